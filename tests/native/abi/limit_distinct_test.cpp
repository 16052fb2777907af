// The cap on distinct experts through the C ABI: every selection rule within the batch's experts, against the
// double-precision reference on those experts alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "support/reference_router.hpp"
#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

dmoe_layer_params cap_of(int32_t distinct, float factor = 0, int32_t overflow = DMOE_OVERFLOW_DROP) {
  return {sizeof(dmoe_layer_params), factor, overflow, distinct};
}

struct CappedRun {
  dmoe_router_options options;
  dmoe_route_params params;
  int64_t tokens;
  std::vector<float> logits;
  RouterHandle router;
  RouteBuffers decided, out;

  CappedRun(const dmoe_router_options& o, const dmoe_route_params& p, int64_t t, uint64_t seed)
      : options(o),
        params(p),
        tokens(t),
        logits(Random(seed).normals(t * o.experts)),
        router(make_router(o)),
        decided(t, p.max_experts + 1, o.experts),
        out(t, p.max_experts + 1, o.experts) {
    const auto input = matrix(logits, tokens, o.experts);
    const auto routes = decided.view();
    EXPECT_EQ(dmoe_router_select(router.get(), &input, &params, &routes, nullptr), DMOE_OK)
        << dmoe_last_error();
    out = decided;
  }
  dmoe_status limit(const dmoe_layer_params& l, dmoe_batch_report* report = nullptr) {
    const auto input = matrix(logits, tokens, options.experts);
    const auto routes = out.view();
    return dmoe_router_limit(router.get(), &input, &params, &l, &routes, report);
  }
  std::set<int32_t> used() const {
    std::set<int32_t> ids(out.ids.begin(), out.ids.end());
    ids.erase(-1);
    return ids;
  }
};

// The batch's experts by the definition; empty when two are too close to tell.
std::vector<int32_t> reference_subset(const CappedRun& run, int32_t cap) {
  const ReferenceRouter reference(run.options, run.params);
  const auto n = static_cast<size_t>(run.options.experts);
  std::vector<double> sums(n);
  std::vector<uint8_t> first(n);
  for (int64_t t = 0; t < run.tokens; ++t) {
    const std::vector<double> p = reference.probabilities(run.logits.data() + t * run.options.experts);
    for (size_t e = 0; e < n; ++e) sums[e] += p[e];
    first[static_cast<size_t>(run.decided.id(t, 0))] = 1;
  }
  std::vector<int32_t> order;
  for (int32_t e = 0; e < run.options.experts; ++e)
    if (run.params.expert_mask == nullptr || run.params.expert_mask[e] != 0) order.push_back(e);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
    return first[i] != first[j] ? first[i] > first[j] : sums[i] > sums[j];
  });
  const auto in = static_cast<size_t>(order[static_cast<size_t>(cap - 1)]);
  const auto next = static_cast<size_t>(order[static_cast<size_t>(cap)]);
  if (first[in] == first[next] && sums[in] - sums[next] < 1e-5) return {};
  order.resize(static_cast<size_t>(cap));
  return order;
}

struct Case {
  int32_t strategy, weighting, gate;
};
class LimitDistinct : public testing::TestWithParam<Case> {};

TEST_P(LimitDistinct, Cap_WhateverTheRule_SelectsWithinTheBatchsExperts) {
  int compared = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    auto options = router_options(1, 12, 3);
    options.gate = GetParam().gate;
    options.max_tokens = seed % 2 == 0 ? 64 : 5;
    auto params = route_params(seed % 3 == 0 ? 2 : 1, 4);
    params.strategy = GetParam().strategy;
    params.weighting = GetParam().weighting;
    std::vector<uint8_t> mask(12, 1);
    mask[3] = 0;
    if (seed % 4 == 3) params.expert_mask = mask.data();
    const int32_t cap = static_cast<int32_t>(2 + seed % 5);
    CappedRun run(options, params, 24, 100 + seed);
    const auto whole = ReferenceRouter(options, params);
    const std::vector<int32_t> subset = reference_subset(run, cap);
    auto report = empty_report();
    ASSERT_EQ(run.limit(cap_of(cap), &report), DMOE_OK) << dmoe_last_error();
    EXPECT_LE(report.distinct_experts, cap);
    EXPECT_EQ(static_cast<size_t>(report.distinct_experts), run.used().size());
    if (subset.empty()) continue;

    std::vector<uint8_t> allowed(12, 0);
    for (int32_t e : subset) allowed[static_cast<size_t>(e)] = 1;
    auto within = params;
    within.expert_mask = allowed.data();
    const ReferenceRouter reference(options, within);
    for (int64_t t = 0; t < run.tokens; ++t) {
      const float* logits = run.logits.data() + t * 12;
      ReferenceToken expected = reference.decide(logits, t);
      const ReferenceToken unlimited = whole.decide(logits, t);
      if (expected.close || unlimited.close) continue;
      ++compared;
      ASSERT_EQ(run.out.counts[static_cast<size_t>(t)], static_cast<int32_t>(expected.ids.size()));
      double base = 0, kept = 0;
      const std::vector<double> p = whole.probabilities(logits);
      for (size_t i = 0; i < std::min<size_t>(3, unlimited.order.size()); ++i)
        base += p[static_cast<size_t>(unlimited.order[i])];
      for (int32_t e : expected.ids) kept += p[static_cast<size_t>(e)];
      for (int32_t s = 0; s < run.out.slots; ++s) {
        const auto i = static_cast<size_t>(s);
        ASSERT_EQ(run.out.id(t, s), i < expected.ids.size() ? expected.ids[i] : -1) << "token " << t;
        if (i >= expected.ids.size()) continue;
        const double own = p[static_cast<size_t>(expected.ids[i])];
        const double weight = GetParam().weighting == DMOE_WEIGHT_RAW           ? own
                              : GetParam().weighting == DMOE_WEIGHT_RENORMALIZE ? own / kept
                                                                                : own / base;
        EXPECT_NEAR(run.out.weight(t, s), weight, 4e-6 * weight);
        EXPECT_NEAR(run.out.gap(t, s), expected.gaps[i], 1e-5);
      }
    }
  }
  EXPECT_GT(compared, 100);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, LimitDistinct,
    testing::Values(Case{DMOE_STRATEGY_TOP_K, DMOE_WEIGHT_RENORMALIZE, DMOE_GATE_SOFTMAX},
                    Case{DMOE_STRATEGY_THRESHOLD, DMOE_WEIGHT_TRAINED_SCALE, DMOE_GATE_SOFTMAX},
                    Case{DMOE_STRATEGY_THRESHOLD, DMOE_WEIGHT_TRAINED_SCALE, DMOE_GATE_SIGMOID},
                    Case{DMOE_STRATEGY_TOP_P, DMOE_WEIGHT_RAW, DMOE_GATE_SOFTMAX},
                    Case{DMOE_STRATEGY_TOP_K, DMOE_WEIGHT_RAW, DMOE_GATE_SIGMOID}));

TEST(LimitDistinctCall, Cap_WhenTheBatchKeepsWithinIt_ChangesNothing) {
  CappedRun run(router_options(1, 6), route_params(1, 2), 16, 7);
  ASSERT_EQ(run.limit(cap_of(6)), DMOE_OK) << dmoe_last_error();
  EXPECT_TRUE(run.out == run.decided);
}

TEST(LimitDistinctCall, Cap_WhenNoiseWasAdded_DoesNotAddItAgain) {
  auto params = route_params(1, 2);
  params.noise_factor = 0.5f;
  CappedRun run(router_options(1, 8), params, 16, 8);
  const std::vector<float> noisy = run.decided.logits;
  run.logits = noisy;
  ASSERT_EQ(run.limit(cap_of(3)), DMOE_OK) << dmoe_last_error();
  CappedRun quiet(router_options(1, 8), route_params(1, 2), 16, 8);
  quiet.logits = noisy;
  quiet.out = run.decided;
  ASSERT_EQ(quiet.limit(cap_of(3)), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(run.out.ids, quiet.out.ids);
  EXPECT_EQ(run.out.logits, noisy);
}

TEST(LimitDistinctCall, Cap_WhenACapacityFollows_BothHold) {
  CappedRun run(router_options(1, 8), route_params(2, 2), 32, 9);
  auto report = empty_report();
  ASSERT_EQ(run.limit(cap_of(3, 3.0f, DMOE_OVERFLOW_REROUTE), &report), DMOE_OK) << dmoe_last_error();
  EXPECT_LE(report.distinct_experts, 3);
  EXPECT_LE(report.max_expert_routes, 24);
  EXPECT_LE(run.used().size(), 3u);
}

TEST(LimitDistinctCall, Cap_WhenGroupsHoldTooFewOfTheBatchsExperts_GoesBeyondThem) {
  auto options = router_options(1, 8);
  options.groups = 4;
  options.top_groups = 1;
  CappedRun run(options, route_params(2, 2), 32, 10);
  auto report = empty_report();
  ASSERT_EQ(run.limit(cap_of(2), &report), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(report.distinct_experts, 2);
  for (int32_t count : run.out.counts) EXPECT_EQ(count, 2);
}

TEST(LimitDistinctCall, Cap_WhenItIsBelowMinExperts_IsRefusedUntouched) {
  CappedRun run(router_options(1, 8), route_params(3, 3), 16, 11);
  EXPECT_EQ(run.limit(cap_of(2)), DMOE_E_BALANCE);
  EXPECT_STREQ(dmoe_last_error(),
               "router_limit: max_distinct is 2, min_experts is 3: every token gets at least that many");
  EXPECT_EQ(run.limit(cap_of(-1)), DMOE_E_OPTIONS);
  EXPECT_TRUE(run.out == run.decided);
}

TEST(LimitDistinctCall, Cap_WhenLogitsAreHostile_HoldsWithFiniteWeights) {
  CappedRun run(router_options(1, 8), route_params(1, 3), 8, 12);
  const float values[] = {0.0f, 3e38f, -3e38f, 1e-42f, -1e-42f, 88.0f, -104.0f, 1.0f};
  for (size_t i = 0; i < run.logits.size(); ++i) run.logits[i] = values[(i * 5 + i / 8) % 8];
  for (const int32_t weighting : {DMOE_WEIGHT_RENORMALIZE, DMOE_WEIGHT_TRAINED_SCALE, DMOE_WEIGHT_RAW})
    for (const int32_t cap : {1, 2, 5}) {
      run.params.weighting = weighting;
      run.out = run.decided;
      ASSERT_EQ(run.limit(cap_of(cap)), DMOE_OK) << dmoe_last_error();
      EXPECT_LE(run.used().size(), static_cast<size_t>(cap));
      for (float w : run.out.weights) EXPECT_TRUE(std::isfinite(w));
    }
}

TEST(LimitDistinctCall, Params_WhenTheCallerIsOlder_HaveNoCap) {
  CappedRun run(router_options(1, 8), route_params(1, 2), 16, 13);
  auto old = cap_of(1);
  old.struct_size = offsetof(dmoe_layer_params, max_distinct);
  ASSERT_EQ(run.limit(old), DMOE_OK) << dmoe_last_error();
  EXPECT_TRUE(run.out == run.decided);
}

}  // namespace
}  // namespace dmoe::test
