// Decisions on rows where the answer is known by hand: ties, extremes, conventions.
#include <gtest/gtest.h>

#include <limits>

#include "core/rules/noise.hpp"
#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

struct Decided {
  std::vector<int32_t> ids;
  std::vector<float> weights;
};

Decided decide(const dmoe_router_options& options, const dmoe_route_params& params,
               const std::vector<float>& logits) {
  const RouterHandle router = make_router(options);
  RouteBuffers out(1, params.max_experts, options.experts);
  const auto input = matrix(logits, 1, options.experts);
  const auto routes = out.view();
  EXPECT_EQ(dmoe_router_select(router.get(), &input, &params, &routes, nullptr), DMOE_OK)
      << dmoe_last_error();
  Decided d;
  for (int32_t i = 0; i < params.max_experts && out.id(0, i) >= 0; ++i) {
    d.ids.push_back(out.id(0, i));
    d.weights.push_back(out.weight(0, i));
  }
  return d;
}

TEST(RouterDecision, Select_WhenAllLogitsTie_TakesTheLowestIds) {
  for (int32_t gate : {DMOE_GATE_SOFTMAX, DMOE_GATE_SIGMOID})
    for (float value : {0.0f, -50.0f, 88.0f, 1e-42f, 3e38f}) {
      auto options = router_options(1, 6);
      options.gate = gate;
      const Decided d = decide(options, route_params(3, 3), std::vector<float>(6, value));
      EXPECT_EQ(d.ids, (std::vector<int32_t>{0, 1, 2}));
      for (float w : d.weights) EXPECT_FLOAT_EQ(w, 1.0f / 3);
    }
}

TEST(RouterDecision, Select_OfZeroesOfBothSigns_TiesThem) {
  EXPECT_EQ(decide(router_options(1, 3), route_params(3, 3), {-0.0f, 0.0f, -0.0f}).ids,
            (std::vector<int32_t>{0, 1, 2}));
}

TEST(RouterDecision, Select_WhenOneExpertTakesAll_GivesItTheWholeWeight) {
  const Decided d = decide(router_options(1, 4), route_params(2, 2), {-500, 500, -500, 0});
  EXPECT_EQ(d.ids, (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(d.weights, (std::vector<float>{1.0f, 0.0f}));
}

TEST(RouterDecision, Select_WhenLogitsSpanTheFloatRange_StaysFinite) {
  for (int32_t gate : {DMOE_GATE_SOFTMAX, DMOE_GATE_SIGMOID})
    for (int32_t weighting : {0, 1, 2}) {
      auto options = router_options(1, 4, 2);
      options.gate = gate;
      auto params = route_params(2, 4);
      params.weighting = weighting;
      params.strategy = DMOE_STRATEGY_TOP_P;
      params.top_p = 1.0f;
      for (float w : decide(options, params, {-3e38f, 3e38f, -1e38f, 1e38f}).weights)
        EXPECT_TRUE(std::isfinite(w));
    }
}

TEST(RouterDecision, Renormalize_WhenMaskedExpertsHoldAllTheMass_KeepsProportions) {
  // e^-120 underflows beside the masked expert; the selection's own ratio is e^1 : 1.
  const uint8_t mask[] = {0, 1, 1};
  for (int32_t gate : {DMOE_GATE_SOFTMAX, DMOE_GATE_SIGMOID}) {
    auto options = router_options(1, 3);
    options.gate = gate;
    auto params = route_params(2, 2);
    params.expert_mask = mask;
    const Decided d = decide(options, params, {0, -120, -121});
    EXPECT_EQ(d.ids, (std::vector<int32_t>{1, 2}));
    EXPECT_NEAR(d.weights[0], 1 / (1 + std::exp(-1.0)), 1e-6);
    EXPECT_NEAR(d.weights[0] + d.weights[1], 1.0, 1e-6);
  }
}

TEST(RouterDecision, TrainedScale_WhenAnExpertIsLeftOut_DoesNotInflateTheOthers) {
  auto params = route_params(1, 2);
  params.strategy = DMOE_STRATEGY_THRESHOLD;
  params.tau = 0.9f;
  params.weighting = DMOE_WEIGHT_TRAINED_SCALE;
  const std::vector<float> logits = {std::log(0.6f), std::log(0.2f), std::log(0.2f)};
  const Decided d = decide(router_options(1, 3, 2), params, logits);
  EXPECT_EQ(d.ids, (std::vector<int32_t>{0}));
  EXPECT_NEAR(d.weights[0], 0.75, 1e-6);
  params.weighting = DMOE_WEIGHT_RENORMALIZE;
  EXPECT_EQ(decide(router_options(1, 3, 2), params, logits).weights[0], 1.0f);
  params.weighting = DMOE_WEIGHT_RAW;
  EXPECT_NEAR(decide(router_options(1, 3, 2), params, logits).weights[0], 0.6, 1e-6);
}

TEST(RouterDecision, Threshold_AtItsEnds_TakesAllOrTies) {
  auto params = route_params(1, 4);
  params.strategy = DMOE_STRATEGY_THRESHOLD;
  params.tau = 0.0f;
  EXPECT_EQ(decide(router_options(1, 4), params, {5, -80, -80, 5}).ids.size(), 4u);
  params.tau = 1.0f;
  EXPECT_EQ(decide(router_options(1, 4), params, {5, 4, 4, 5}).ids, (std::vector<int32_t>{0, 3}));
}

TEST(RouterDecision, TopP_OfAFlatRow_TakesTheShareAndTheFloor) {
  auto params = route_params(1, 8);
  params.strategy = DMOE_STRATEGY_TOP_P;
  params.top_p = 0.5f;
  EXPECT_EQ(decide(router_options(1, 8), params, std::vector<float>(8, 1.0f)).ids.size(), 4u);
  params.min_experts = 6;
  EXPECT_EQ(decide(router_options(1, 8), params, std::vector<float>(8, 1.0f)).ids.size(), 6u);
}

TEST(RouterDecision, Noise_WhenAsked_MovesTheLogitsByTheRule) {
  const RouterHandle router = make_router(router_options(1, 5));
  auto params = route_params(1, 1);
  params.noise_factor = 0.75f;
  params.noise_seed = 42;
  const int64_t positions[] = {1000, -3};
  const std::vector<float> logits = {1, 2, 3, 4, 5, 5, 4, 3, 2, 1};
  for (bool given : {false, true}) {
    params.positions = given ? positions : nullptr;
    RouteBuffers out(2, 1, 5);
    const auto input = matrix(logits, 2, 5);
    const auto routes = out.view();
    ASSERT_EQ(dmoe_router_select(router.get(), &input, &params, &routes, nullptr), DMOE_OK);
    for (int32_t i = 0; i < 10; ++i) {
      const int64_t position = given ? positions[i / 5] : i / 5;
      EXPECT_EQ(out.logits[static_cast<size_t>(i)],
                logits[static_cast<size_t>(i)] + 0.75f * rule_noise(42, position, i % 5));
    }
  }
}

TEST(RouterDecision, RoutedScale_OnEveryConvention_MultipliesWeights) {
  for (int32_t weighting : {0, 1, 2}) {
    auto options = router_options(1, 4, 2);
    auto params = route_params(2, 2);
    params.weighting = weighting;
    const std::vector<float> logits = {1, 2, 3, 4};
    const Decided plain = decide(options, params, logits);
    options.routed_scale = 4.0f;
    const Decided scaled = decide(options, params, logits);
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(scaled.weights[i], 4.0f * plain.weights[i]);
  }
}

}  // namespace
}  // namespace dmoe::test
