// Decisions against the double-precision reference, over gates, strategies, weightings, scores, groups,
// biases and masks.
#include <gtest/gtest.h>

#include "support/levels.hpp"
#include "support/reference_router.hpp"
#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

struct Drawn {
  dmoe_router_options options;
  dmoe_route_params params;
  std::vector<float> logits, scores, taus, bias;
  std::vector<int32_t> counts;
  std::vector<uint8_t> mask;
};

constexpr int64_t kTokens = 40;

// One combination of rules, drawn from the seed; every branch comes up many times over the seeds.
Drawn draw(uint64_t seed) {
  Random random(seed);
  Drawn s;
  const int32_t experts[] = {1, 2, 8, 12, 60, 64};
  const int32_t E = experts[random.below(6)];
  s.options = router_options(4, E, 1 + static_cast<int32_t>(random.below(E)));
  s.options.gate = static_cast<int32_t>(random.below(2));
  s.options.routed_scale = random.below(2) ? 1.0f : 2.5f;
  if (E % 4 == 0 && random.below(2)) {
    s.options.groups = 4;
    s.options.top_groups = 1 + static_cast<int32_t>(random.below(4));
    s.options.group_score = static_cast<int32_t>(random.below(2));
  }
  const int32_t room = E / s.options.groups;  // what is left with one group
  const auto kmax = static_cast<int32_t>(1 + random.below(std::min(E, 8)));
  s.params =
      route_params(1 + static_cast<int32_t>(random.below(std::min(kmax, std::max(1, room / 2)))), kmax);
  s.params.strategy = static_cast<int32_t>(random.below(3));
  s.params.weighting = static_cast<int32_t>(random.below(3));
  s.params.score_source = static_cast<int32_t>(random.below(4));
  s.params.count_offset = static_cast<float>(random.below(5) - 2) * 0.5f;
  s.params.tau = static_cast<float>(random.below(11)) / 10.0f;
  s.params.top_p = static_cast<float>(1 + random.below(10)) / 10.0f;
  const float scales[] = {0.1f, 1.0f, 4.0f};
  s.logits = random.normals(kTokens * E, scales[random.below(3)]);
  for (int64_t t = 0; t < kTokens; ++t) {
    s.scores.push_back(static_cast<float>(random.below(33)) / 32.0f);
    s.taus.push_back(static_cast<float>(random.below(101)) / 100.0f);
    s.counts.push_back(static_cast<int32_t>(random.below(E + 2)));
  }
  s.bias = random.normals(E, 0.2f);
  for (int32_t e = 0; e < E; ++e) s.mask.push_back(e % room < (room + 1) / 2 || random.below(3) > 0);
  s.params.scores = s.params.score_source == DMOE_SCORE_SUPPLIED ? s.scores.data() : nullptr;
  if (random.below(3) == 0) s.params.counts = s.counts.data();
  if (random.below(3) == 0) s.params.token_taus = s.taus.data();
  if (random.below(3) == 0) s.params.selection_bias = s.bias.data();
  if (random.below(3) == 0) s.params.expert_mask = s.mask.data();
  return s;
}

// Weights: relative (n/16 + 16) 2^-24 for the sums and exps, and 2^-24 |l - max| for the moved argument
// (ops/select).
double weight_bound(const Drawn& s, const float* logits, double weight) {
  const auto [least, most] = std::minmax_element(logits, logits + s.options.experts);
  const double spread = static_cast<double>(*most) - static_cast<double>(*least);
  return (s.options.experts / 16.0 + 16 + 2 * spread) * 0x1p-24 * weight + 1e-37;
}

TEST(RouterReference, Select_UnderAnyRules_AgreesWithDoublePrecision) {
  int64_t close = 0, checked = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    Drawn s = draw(seed);
    const int32_t E = s.options.experts, slots = std::min(E + 1, s.params.max_experts + 2);
    const RouterHandle router = make_router(s.options);
    RouteBuffers out(kTokens, slots, E);
    const auto logits = matrix(s.logits, kTokens, E);
    const auto routes = out.view();
    auto report = empty_report();
    ASSERT_EQ(dmoe_router_select(router.get(), &logits, &s.params, &routes, &report), DMOE_OK)
        << seed << " " << dmoe_last_error();
    const ReferenceRouter reference(s.options, s.params);
    int64_t total = 0;
    for (int64_t t = 0; t < kTokens; ++t) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " token " + std::to_string(t));
      const float* l = s.logits.data() + t * E;
      const ReferenceToken expected = reference.decide(l, t);
      total += out.counts[static_cast<size_t>(t)];
      EXPECT_NEAR(out.scores[static_cast<size_t>(t)], expected.score, 4e-6);
      if (expected.close) {
        ++close;
        continue;
      }
      ++checked;
      ASSERT_EQ(out.counts[static_cast<size_t>(t)], static_cast<int32_t>(expected.ids.size()));
      for (int32_t i = 0; i < slots; ++i) {
        const auto u = static_cast<size_t>(i);
        if (u < expected.ids.size()) {
          ASSERT_EQ(out.id(t, i), expected.ids[u]);
          const auto w = static_cast<double>(out.weight(t, i));
          ASSERT_LE(std::abs(w - expected.weights[u]), weight_bound(s, l, expected.weights[u]));
        } else {
          ASSERT_EQ(out.id(t, i), -1);
          ASSERT_EQ(out.weight(t, i), 0.0f);
        }
        if (u < expected.order.size())
          ASSERT_NEAR(out.gap(t, i), expected.gaps[u], 1e-6 * (1 + std::abs(expected.gaps[u])));
        else
          ASSERT_EQ(out.gap(t, i), std::numeric_limits<float>::infinity());
      }
    }
    EXPECT_EQ(report.routes, total);
    EXPECT_EQ(report.tokens, kTokens);
    EXPECT_EQ(out.logits, s.logits);
    int64_t sum = 0, most = 0, distinct = 0;
    for (int64_t load : out.expert_routes) {
      sum += load;
      most = std::max(most, load);
      distinct += load > 0;
    }
    EXPECT_EQ(sum, total);
    EXPECT_EQ(report.max_expert_routes, most);
    EXPECT_EQ(report.distinct_experts, distinct);
  }
  // The escape for decisions at their boundary must stay an exception.
  EXPECT_LT(close, (close + checked) / 50);
}

TEST(RouterReference, Select_OnAnyLevel_DecidesTheSameBits) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Drawn s = draw(seed);
    s.params.noise_factor = seed % 2 ? 0.5f : 0.0f;
    s.params.noise_seed = seed;
    const auto logits = matrix(s.logits, kTokens, s.options.experts);
    std::unique_ptr<RouteBuffers> first;
    for (dmoe_isa isa : levels()) {
      s.options.isa = isa;
      const RouterHandle router = make_router(s.options);
      auto out = std::make_unique<RouteBuffers>(kTokens, s.params.max_experts, s.options.experts);
      const auto routes = out->view();
      const dmoe_status status = dmoe_router_select(router.get(), &logits, &s.params, &routes, nullptr);
      if (status == DMOE_E_BALANCE) break;  // noise may move a token to groups that the mask emptied
      ASSERT_EQ(status, DMOE_OK) << dmoe_last_error();
      if (!first)
        first = std::move(out);
      else
        EXPECT_TRUE(*out == *first) << "seed " << seed << " " << dmoe_isa_name(isa);
    }
  }
}

}  // namespace
}  // namespace dmoe::test
