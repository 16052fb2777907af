// Cases of routing decisions, for every engine that decides: the CPU's router at each level, the CUDA
// kernels.
#ifndef DYNAMICMOE_TESTS_SUPPORT_CASES_ROUTE_CASES_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_CASES_ROUTE_CASES_HPP_

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "support/router_api.hpp"

namespace dmoe::test {

/** A combination of rules with the arrays that its parameters point to. */
struct DrawnRoute {
  dmoe_router_options options;
  dmoe_route_params params;
  std::vector<float> logits, scores, taus, bias;
  std::vector<int32_t> counts;
  std::vector<uint8_t> mask;
};

/** One combination of rules, drawn from the seed; every branch comes up many times over the seeds. */
inline DrawnRoute draw_route(uint64_t seed, int64_t tokens) {
  Random random(seed);
  DrawnRoute s;
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
  s.logits = random.normals(tokens * E, scales[random.below(3)]);
  for (int64_t t = 0; t < tokens; ++t) {
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

/** Numbers of experts around the ends of warps, panels and tree lanes; the entropy of 47 equal logits rounds
 * to more than ln 47. */
inline std::vector<int32_t> awkward_experts() { return {1, 2, 15, 16, 17, 31, 32, 33, 47, 96, 200, 512}; }

/** Rows of logits with ties, zeros of both signs, denormals, one winner, and both ends of the float range. */
inline std::vector<float> hostile_logits(int32_t experts) {
  const float most = std::numeric_limits<float>::max();
  std::vector<float> rows;
  for (float all : {0.0f, -0.0f, -50.0f, 88.0f, 1e-42f, most, -most})
    rows.insert(rows.end(), static_cast<size_t>(experts), all);
  for (int32_t e = 0; e < experts; ++e) rows.push_back(e % 2 ? 0.0f : -0.0f);
  for (int32_t e = 0; e < experts; ++e) rows.push_back(e % 2 ? most : -most);
  for (int32_t e = 0; e < experts; ++e) rows.push_back(e == experts - 1 ? 500.0f : 0.0f);
  for (int32_t e = 0; e < experts; ++e) rows.push_back(static_cast<float>(e - experts / 2) * 1e-43f);
  for (int32_t e = 0; e < experts; ++e) rows.push_back(static_cast<float>(-3 * e));
  for (int32_t e = 0; e < experts; ++e) rows.push_back(static_cast<float>(e % 3));
  for (int32_t e = 0; e < experts; ++e) rows.push_back(-120.0f - static_cast<float>(e % 5));
  return rows;
}
inline int64_t hostile_rows(int32_t experts) {
  return static_cast<int64_t>(hostile_logits(experts).size()) / experts;
}

/** What a hostile row is decided under: each strategy, weighting, score and gate comes up. */
struct HostileRules {
  std::string name;
  dmoe_router_options options;
  dmoe_route_params params;
};
inline std::vector<HostileRules> hostile_rules(int32_t experts) {
  std::vector<HostileRules> all;
  for (int32_t i = 0; i < 12; ++i) {
    HostileRules r;
    r.name = "rules " + std::to_string(i) + " of " + std::to_string(experts) + " experts";
    r.options = router_options(4, experts, std::min(experts, 1 + i));
    r.options.gate = i % 2;
    const int32_t kmax = i % 4 == 3 ? experts : std::min(experts, 5);
    r.params = route_params(std::min(kmax, 1 + i % 3), kmax);
    r.params.strategy = i % 3;
    r.params.weighting = i / 2 % 3;
    r.params.score_source = i % 3 == 0 ? DMOE_SCORE_ROUTER_MARGIN + i / 6 : DMOE_SCORE_HALF;
    r.params.tau = i % 2 ? 0.0f : 1.0f;
    r.params.top_p = 1.0f;
    all.push_back(r);
  }
  return all;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_CASES_ROUTE_CASES_HPP_
