// Decisions against the double-precision reference, over gates, strategies, weightings, scores, groups,
// biases and masks.
#include <gtest/gtest.h>

#include "support/cases/route_cases.hpp"
#include "support/levels.hpp"
#include "support/reference_router.hpp"

namespace dmoe::test {
namespace {

constexpr int64_t kTokens = 40;

// Weights: relative (n/16 + 16) 2^-24 for the sums and exps, and 2^-24 |l - max| for the moved argument
// (ops/select).
double weight_bound(const DrawnRoute& s, const float* logits, double weight) {
  const auto [least, most] = std::minmax_element(logits, logits + s.options.experts);
  const double spread = static_cast<double>(*most) - static_cast<double>(*least);
  return (s.options.experts / 16.0 + 16 + 2 * spread) * 0x1p-24 * weight + 1e-37;
}

TEST(RouterReference, Select_UnderAnyRules_AgreesWithDoublePrecision) {
  int64_t close = 0, checked = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    DrawnRoute s = draw_route(seed, kTokens);
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
    DrawnRoute s = draw_route(seed, kTokens);
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

TEST(RouterReference, Select_OfHostileRowsOnAnyLevel_DecidesTheSameBits) {
  for (int32_t E : awkward_experts()) {
    const std::vector<float> rows = hostile_logits(E);
    const auto logits = matrix(rows, hostile_rows(E), E);
    for (HostileRules& r : hostile_rules(E)) {
      std::unique_ptr<RouteBuffers> first;
      for (dmoe_isa isa : levels()) {
        r.options.isa = isa;
        const RouterHandle router = make_router(r.options);
        auto out = std::make_unique<RouteBuffers>(logits.rows, r.params.max_experts, E);
        const auto routes = out->view();
        ASSERT_EQ(dmoe_router_select(router.get(), &logits, &r.params, &routes, nullptr), DMOE_OK)
            << dmoe_last_error();
        for (float w : out->weights) ASSERT_TRUE(std::isfinite(w)) << r.name;
        if (!first)
          first = std::move(out);
        else
          EXPECT_TRUE(*out == *first) << r.name << " " << dmoe_isa_name(isa);
      }
    }
  }
}

}  // namespace
}  // namespace dmoe::test
