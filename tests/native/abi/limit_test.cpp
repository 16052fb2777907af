#include <gtest/gtest.h>

#include <limits>

#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

dmoe_layer_params limits(float factor, int32_t overflow) {
  dmoe_layer_params p{};
  p.struct_size = sizeof p;
  p.capacity_factor = factor;
  p.overflow = overflow;
  return p;
}

struct Fixture {
  RouterHandle router = make_router(router_options(1, 4));
  std::vector<float> logits;
  dmoe_route_params params = route_params(2, 2);
  RouteBuffers out{16, 2, 4};

  Fixture() {
    Random random(13);
    logits = random.normals(16 * 4);
    for (int64_t t = 0; t < 16; ++t) logits[static_cast<size_t>(t * 4)] += 5;
    const auto input = matrix(logits, 16, 4);
    const auto routes = out.view();
    EXPECT_EQ(dmoe_router_select(router.get(), &input, &params, &routes, nullptr), DMOE_OK)
        << dmoe_last_error();
  }
  dmoe_status limit(float factor, int32_t overflow, dmoe_batch_report* report) {
    const auto input = matrix(logits, 16, 4);
    const auto l = limits(factor, overflow);
    const auto routes = out.view();
    return dmoe_router_limit(router.get(), &input, &params, &l, &routes, report);
  }
};

TEST(Limit, Drop_WhenOneExpertIsEverybodysFavourite_ReportsAndCaps) {
  Fixture f;
  auto report = empty_report();
  ASSERT_EQ(f.limit(1.0f, DMOE_OVERFLOW_DROP, &report), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(f.out.expert_routes[0], 8);
  EXPECT_EQ(report.max_expert_routes, 8);
  EXPECT_GE(report.overflow_routes, 8);
  EXPECT_EQ(report.dropped_routes, report.overflow_routes);
  EXPECT_EQ(report.routes, 32 - report.dropped_routes);
}

TEST(Limit, Reroute_WhenThereIsRoomForAll_DropsNothing) {
  Fixture f;
  auto report = empty_report();
  ASSERT_EQ(f.limit(1.25f, DMOE_OVERFLOW_REROUTE, &report), DMOE_OK) << dmoe_last_error();
  EXPECT_GT(report.overflow_routes, 0);
  EXPECT_EQ(report.dropped_routes, 0);
  EXPECT_EQ(report.routes, 32);
  EXPECT_LE(report.max_expert_routes, 10);
}

TEST(Limit, Factor_WhenZero_LimitsNothing) {
  Fixture f;
  const auto ids = f.out.ids;
  auto report = empty_report();
  ASSERT_EQ(f.limit(0.0f, DMOE_OVERFLOW_DROP, &report), DMOE_OK);
  EXPECT_EQ(f.out.ids, ids);
  EXPECT_EQ(report.routes, 32);
  EXPECT_EQ(report.max_expert_routes, 16);
}

TEST(Limit, Routes_WhenTheyAreNotUsable_AreRefusedUntouched) {
  Fixture f;
  f.out.ids[5] = 4;
  RouteBuffers before = f.out;
  EXPECT_EQ(f.limit(1.0f, DMOE_OVERFLOW_DROP, nullptr), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "router_limit: routes.ids of token 2, slot 1 is 4, must be within -1..3");
  f.out.ids[5] = 1;
  f.out.weights[5] = std::nanf("");
  EXPECT_EQ(f.limit(1.0f, DMOE_OVERFLOW_DROP, nullptr), DMOE_E_NOT_FINITE);
  EXPECT_STREQ(dmoe_last_error(), "router_limit: routes.weights of token 2, slot 1 is nan, must be finite");
  f.out.weights[5] = 0.5f;
  f.logits[7] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(f.limit(1.0f, DMOE_OVERFLOW_REROUTE, nullptr), DMOE_E_NOT_FINITE);
  EXPECT_STREQ(dmoe_last_error(), "router_limit: logits of token 1 hold inf at expert 3, must be finite");
  f.logits[7] = 0;
  EXPECT_EQ(f.limit(-1.0f, DMOE_OVERFLOW_DROP, nullptr), DMOE_E_OPTIONS);
  EXPECT_STREQ(dmoe_last_error(), "router_limit: capacity_factor is -1, must be finite and >= 0");
  EXPECT_EQ(f.limit(1.0f, 2, nullptr), DMOE_E_OPTIONS);
  EXPECT_EQ(f.out.counts, before.counts);
}

TEST(Limit, Tokens_WhenTheyExceedTheChunk_AreLimitedAsOneBatch) {
  auto options = router_options(1, 2);
  options.max_tokens = 1;
  const RouterHandle router = make_router(options);
  const std::vector<float> logits = {3, 0, 1, 0, 2, 0, 0, 1};
  RouteBuffers out(4, 1, 2);
  const auto params = route_params(1, 1);
  const auto input = matrix(logits, 4, 2);
  const auto routes = out.view();
  ASSERT_EQ(dmoe_router_select(router.get(), &input, &params, &routes, nullptr), DMOE_OK);
  const auto l = limits(1.0f, DMOE_OVERFLOW_REROUTE);
  ASSERT_EQ(dmoe_router_limit(router.get(), &input, &params, &l, &routes, nullptr), DMOE_OK)
      << dmoe_last_error();
  EXPECT_EQ(out.ids, (std::vector<int32_t>{0, 0, 1, 1}));
}

}  // namespace
}  // namespace dmoe::test
