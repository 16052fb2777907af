// What the creation of a router refuses, and in which words.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();
const float kInfinity = std::numeric_limits<float>::infinity();

struct Refusal {
  std::function<void(dmoe_router_options&)> change;
  dmoe_status status;
  std::string text;
};

TEST(RouterCreate, Create_WhenAnOptionIsOutOfRange_NamesIt) {
  const Refusal refusals[] = {
      {[](auto& o) { o.hidden = 0; }, DMOE_E_OPTIONS, "hidden is 0, must be within 1..1048576"},
      {[](auto& o) { o.experts = 4097; }, DMOE_E_OPTIONS, "experts is 4097, must be within 1..4096"},
      {[](auto& o) { o.experts = -1; }, DMOE_E_OPTIONS, "experts is -1, must be within 1..4096"},
      {[](auto& o) { o.gate = 2; }, DMOE_E_OPTIONS, "gate is 2, must be within 0..1"},
      {[](auto& o) { o.trained_k = 9; }, DMOE_E_OPTIONS, "trained_k is 9, must be within 1..8"},
      {[](auto& o) { o.groups = 3; }, DMOE_E_OPTIONS, "groups is 3, must divide experts (8)"},
      {[](auto& o) { o.top_groups = 2; }, DMOE_E_OPTIONS, "top_groups is 2, must be within 1..1"},
      {[](auto& o) { o.group_score = -1; }, DMOE_E_OPTIONS, "group_score is -1, must be within 0..1"},
      {[](auto& o) { o.routed_scale = 0; }, DMOE_E_OPTIONS, "routed_scale is 0, must be finite and > 0"},
      {[](auto& o) { o.routed_scale = kNan; }, DMOE_E_OPTIONS, "routed_scale is nan, must be finite and > 0"},
      {[](auto& o) { o.max_tokens = 0; }, DMOE_E_OPTIONS, "max_tokens is 0, must be within 1..1048576"},
      {[](auto& o) { o.threads = -1; }, DMOE_E_OPTIONS, "threads is -1, must be within 0..1024"},
      {[](auto& o) { o.isa = 77; }, DMOE_E_OPTIONS, "isa is 77, must be within 0..6"},
      {[](auto& o) { o.struct_size = 2; }, DMOE_E_ARGUMENT, "options.struct_size is 2, must be >= 4"},
  };
  const std::vector<float> weights(32, 1.0f);
  for (const Refusal& refusal : refusals) {
    auto options = router_options(4, 8);
    refusal.change(options);
    auto* router = reinterpret_cast<dmoe_router*>(1);
    EXPECT_EQ(dmoe_router_create(&options, weights.data(), nullptr, &router), refusal.status);
    EXPECT_EQ(std::string(dmoe_last_error()), "router_create: " + refusal.text);
    EXPECT_EQ(router, reinterpret_cast<dmoe_router*>(1)) << "written on failure";
  }
}

TEST(RouterCreate, Create_WhenWeightsAreNotFinite_NamesExpertAndInput) {
  auto options = router_options(4, 8);
  std::vector<float> weights(32, 1.0f);
  const std::vector<float> bias = {0, 0, 0, kInfinity, 0, 0, 0, 0};
  dmoe_router* router = nullptr;
  EXPECT_EQ(dmoe_router_create(&options, weights.data(), bias.data(), &router), DMOE_E_NOT_FINITE);
  EXPECT_STREQ(dmoe_last_error(), "router_create: bias[3] is inf");
  weights[9] = kNan;
  EXPECT_EQ(dmoe_router_create(&options, weights.data(), nullptr, &router), DMOE_E_NOT_FINITE);
  EXPECT_STREQ(dmoe_last_error(), "router_create: weights of expert 2 hold nan at input 1");
  EXPECT_EQ(dmoe_router_create(nullptr, weights.data(), nullptr, &router), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_router_create(&options, nullptr, nullptr, &router), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_router_create(&options, weights.data(), nullptr, nullptr), DMOE_E_ARGUMENT);
  dmoe_router_destroy(nullptr);
}

TEST(RouterCreate, Create_FromAnOlderCaller_UsesDefaults) {
  auto options = router_options(4, 8);
  options.struct_size = 12;  // knows hidden and experts only
  options.groups = -55;
  const std::vector<float> weights(32, 1.0f);
  const RouterHandle router = make_router(options, weights);
  EXPECT_NE(router, nullptr);
}

}  // namespace
}  // namespace dmoe::test
