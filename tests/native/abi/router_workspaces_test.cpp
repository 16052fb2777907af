// Workspaces of a router and the limit of threads through the C ABI.
#include <gtest/gtest.h>

#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

dmoe_workspaces figures_of(const RouterHandle& router) {
  dmoe_workspaces w{};
  w.struct_size = sizeof w;
  EXPECT_EQ(dmoe_router_workspaces(router.get(), &w), DMOE_OK) << dmoe_last_error();
  return w;
}

TEST(RouterWorkspaces, Figures_AfterCalls_AreTheirs) {
  const RouterHandle router = make_router(router_options(8, 4));
  const dmoe_workspaces built = figures_of(router);
  EXPECT_EQ(built.struct_size, sizeof built);
  EXPECT_EQ(built.blocks, 1);
  EXPECT_EQ(built.allocations, 1);
  const std::vector<float> hidden(8, 1.0f);
  std::vector<float> logits(4);
  const auto in = matrix(hidden, 1, 8);
  const auto out = output(logits, 1, 4);
  for (int call = 0; call < 3; ++call) ASSERT_EQ(dmoe_router_logits(router.get(), &in, &out), DMOE_OK);

  const dmoe_workspaces used = figures_of(router);
  EXPECT_EQ(used.leases, built.leases + 3);
  EXPECT_EQ(used.allocations, 1);
  EXPECT_EQ(used.in_use, 0);
  EXPECT_EQ(used.most_in_use, 1);
  EXPECT_GT(used.bytes, 0);
}

TEST(RouterWorkspaces, Keep_WhenAsked_MakesAndFrees) {
  const int64_t before = allocated_bytes();
  {
    const RouterHandle router = make_router(router_options(8, 4));
    const int64_t one = figures_of(router).bytes;
    ASSERT_EQ(dmoe_router_keep_workspaces(router.get(), 3), DMOE_OK);
    EXPECT_EQ(figures_of(router).blocks, 3);
    EXPECT_EQ(figures_of(router).bytes, 3 * one);
    ASSERT_EQ(dmoe_router_keep_workspaces(router.get(), 0), DMOE_OK);
    EXPECT_EQ(figures_of(router).bytes, 0);
  }
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(RouterWorkspaces, Calls_WithoutWhatTheyNeed_AreRefused) {
  const RouterHandle router = make_router(router_options(8, 4));
  dmoe_workspaces w{};
  w.struct_size = sizeof w;
  EXPECT_EQ(dmoe_router_workspaces(nullptr, &w), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_router_workspaces(router.get(), nullptr), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "router_workspaces: workspaces is NULL");
  EXPECT_EQ(dmoe_router_keep_workspaces(nullptr, 1), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_router_keep_workspaces(router.get(), 1025), DMOE_E_OPTIONS);
  EXPECT_STREQ(dmoe_last_error(), "router_keep_workspaces: idle is 1025, must be within 0..1024");
}

// A limit changes who computes, never what.
TEST(RouterWorkspaces, Route_UnderALimit_GivesTheSameBits) {
  constexpr int32_t kHidden = 256, kExperts = 64, kTokens = 200;
  Random random(4);
  const RouterHandle router =
      make_router(router_options(kHidden, kExperts), random.normals(kHidden * kExperts));
  const std::vector<float> hidden = random.normals(kTokens * kHidden);
  const auto in = matrix(hidden, kTokens, kHidden);
  const auto params = route_params(1, 4);
  set_pool_threads(4);
  RouteBuffers free(kTokens, 4, kExperts), limited(kTokens, 4, kExperts);
  const auto a = free.view(), b = limited.view();
  EXPECT_EQ(dmoe_router_route(router.get(), &in, &params, &a, nullptr), DMOE_OK);
  dmoe_thread_limit(1);
  EXPECT_EQ(dmoe_router_route(router.get(), &in, &params, &b, nullptr), DMOE_OK);
  dmoe_thread_limit(0);
  set_pool_threads(0);
  EXPECT_TRUE(free == limited);
}

}  // namespace
}  // namespace dmoe::test
