// One token's decision by a warp, from logits in shared memory: noise, gate, score, count, order, stop,
// weights. Every step is a rule of core/rules or keeps the order of sums of ops/gate, ops/score and
// ops/select, so that all outputs have the bits of the CPU's router.
#ifndef DYNAMICMOE_CUDA_KERNELS_DECIDE_HPP_
#define DYNAMICMOE_CUDA_KERNELS_DECIDE_HPP_

#include "dynamicmoe/dynamicmoe.h"
#include "kernels/rank.hpp"

namespace dmoe::cuda {

/** Adds noise where it is asked for, hands the logits out. @return whether all are finite */
__device__ __forceinline__ bool finish_logits(const RouteTask& task, const TokenRow& row, int token) {
  const bool noisy = task.noise_factor > 0.0f;
  int64_t position = 0;
  uint64_t seed = 0;
  if (noisy) {
    position = task.positions ? task.positions[token] : task.values->first_position + token;
    seed = task.values->noise_seed;
  }
  bool finite = true;
  for (int e = lane_id(); e < task.experts; e += kWarp) {
    float l = row.logits[e];
    if (noisy) {
      l = rule_noisy(l, task.noise_factor, rule_noise(seed, position, e));
      row.logits[e] = l;
    }
    if (task.logits) task.logits[token * task.logits_stride + e] = l;
    finite = finite && is_finite(l);
  }
  return !__any_sync(kAllLanes, !finite);
}

/** Fills mass and total. */
__device__ __forceinline__ void gate_row(const RouteTask& task, TokenRow& row) {
  if (task.gate == DMOE_GATE_SIGMOID) {
    for (int e = lane_id(); e < task.experts; e += kWarp) row.mass[e] = rule_sigmoid(row.logits[e]);
  } else {
    float best = -__builtin_inff();
    for (int e = lane_id(); e < task.experts; e += kWarp) best = row.logits[e] > best ? row.logits[e] : best;
    best = warp_max(best);
    for (int e = lane_id(); e < task.experts; e += kWarp) row.mass[e] = rule_exp(row.logits[e] - best);
  }
  __syncwarp();
  row.total = tree_sum(task.experts, [&](int e) { return row.mass[e]; });
}

__device__ __forceinline__ TwoLargest two_largest_logits(const RouteTask& task, const TokenRow& row) {
  TwoLargest mine = nothing_taken();
  for (int e = lane_id(); e < task.experts; e += kWarp) take(mine, row.logits[e]);
  return warp_two_largest(mine);
}

/** Entropy of the gate in nats. A softmax row's mass is e^-d already (temperature 1). */
__device__ __forceinline__ float gate_entropy(const RouteTask& task, const TokenRow& row) {
  if (task.gate == DMOE_GATE_SIGMOID) {
    if (!(row.total >= DMOE_SMALLEST_NORMAL)) return 0.0f;
    const float entropy = tree_fold(task.experts, [&](float sum, int e) {
      const float p = row.mass[e] / row.total;
      return rule_fma(-p, rule_log_normal(p), sum);
    });
    return entropy > 0.0f ? entropy : 0.0f;
  }
  const float best = two_largest_logits(task, row).first;
  const float a = tree_fold(task.experts, [&](float sum, int e) {
    return rule_fma(rule_distance(best, row.logits[e], 1.0f), row.mass[e], sum);
  });
  return rule_softmax_entropy(row.total, a);
}

__device__ __forceinline__ float score_row(const RouteTask& task, const TokenRow& row, int token) {
  switch (task.score_source) {
    case DMOE_SCORE_SUPPLIED:
      return task.given_scores[token];
    case DMOE_SCORE_ROUTER_MARGIN: {
      const TwoLargest two = two_largest_logits(task, row);
      return rule_margin(task.gate == DMOE_GATE_SIGMOID, task.experts, two.first, two.second);
    }
    case DMOE_SCORE_ROUTER_ENTROPY: {
      if (task.experts < 2) return 0.0f;
      const float share = gate_entropy(task, row) / task.log_experts;
      return share < 1.0f ? share : 1.0f;
    }
    default:
      return 0.5f;
  }
}

__device__ __forceinline__ int count_row(const RouteTask& task, float score, int token) {
  if (task.strategy != DMOE_STRATEGY_TOP_K) return task.max_experts;
  if (task.given_counts) return rule_clamp(task.given_counts[token], task.min_experts, task.max_experts);
  return rule_count(task.min_experts, task.max_experts, score, task.values->count_offset);
}

/** How many of the ordered experts are taken, at most `limit`. */
__device__ __forceinline__ int taken(const RouteTask& task, const TokenRow& row, int limit, int token) {
  if (task.strategy == DMOE_STRATEGY_THRESHOLD) {
    const float gap_limit = task.gap_limits ? task.gap_limits[token] : task.values->gap_limit;
    const float first = row.logits[row.order[0]];
    for (int base = task.min_experts; base < limit; base += kWarp) {
      const int i = base + lane_id();
      const bool stops = i < limit && rule_threshold_stops(rule_gap(task.gate == DMOE_GATE_SIGMOID, first,
                                                                    row.logits[row.order[i]]),
                                                           gap_limit);
      const unsigned stop = __ballot_sync(kAllLanes, stops);
      if (stop != 0) return base + __ffs(static_cast<int>(stop)) - 1;
    }
  } else if (task.strategy == DMOE_STRATEGY_TOP_P) {
    const float top_p = task.values->top_p;
    float sum = 0.0f;  // in the order of preference, by every lane
    for (int i = 0; i < limit; ++i) {
      if (i >= task.min_experts && rule_mass_suffices(sum, row.total, top_p)) return i;
      sum += row.mass[row.order[i]];
    }
  }
  return limit;
}

/** What the weights of a token are shares of. */
struct Shares {
  bool by_mass;
  float best, sum;  // of mass, or of e^(l - best)
};
__device__ __forceinline__ Shares shares_over(const TokenRow& row, int over) {
  Shares s{true, 0.0f, tree_sum(over, [&](int i) { return row.mass[row.order[i]]; })};
  if (s.sum >= DMOE_SMALLEST_MASS) return s;
  // Far below the best logit, or far below 0 at a sigmoid gate, p is proportional to e^l.
  s.by_mass = false;
  float best = -__builtin_inff();
  for (int i = lane_id(); i < over; i += kWarp)
    best = row.logits[row.order[i]] > best ? row.logits[row.order[i]] : best;
  s.best = warp_max(best);
  s.sum = tree_sum(over, [&](int i) { return rule_exp(row.logits[row.order[i]] - s.best); });
  return s;
}

__device__ __forceinline__ float weight_of(const RouteTask& task, const TokenRow& row, const Shares& shares,
                                           int expert) {
  if (task.weighting == DMOE_WEIGHT_RAW)
    return task.routed_scale *
           (task.gate == DMOE_GATE_SIGMOID ? row.mass[expert] : row.mass[expert] / row.total);
  const float mass = shares.by_mass ? row.mass[expert] : rule_exp(row.logits[expert] - shares.best);
  return task.routed_scale * (mass / shares.sum);
}

/** Writes a token's slots; one with count 0 has none, which is how a token that failed leaves. */
__device__ __forceinline__ void write_slots(const RouteTask& task, const TokenRow& row, int token, int count,
                                            int ordered) {
  Shares shares{true, 0.0f, 1.0f};
  if (count > 0 && task.weighting != DMOE_WEIGHT_RAW)
    shares = shares_over(
        row, task.weighting == DMOE_WEIGHT_TRAINED_SCALE ? smaller(task.trained_k, ordered) : count);
  const int64_t first = static_cast<int64_t>(token) * task.slots;
  for (int i = lane_id(); i < task.slots; i += kWarp) {
    const int expert = i < count ? row.order[i] : -1;
    task.ids[first + i] = expert;
    task.weights[first + i] = expert < 0 ? 0.0f : weight_of(task, row, shares, expert);
    if (task.gaps)
      task.gaps[first + i] = i < ordered ? rule_gap(task.gate == DMOE_GATE_SIGMOID, row.logits[row.order[0]],
                                                    row.logits[row.order[i]])
                                         : __builtin_inff();
  }
  if (task.counts && lane_id() == 0) task.counts[token] = count;
}

__device__ __forceinline__ RankRules rank_rules(const RouteTask& task) {
  RankRules rules{};
  rules.experts = task.experts;
  rules.sigmoid = task.gate == DMOE_GATE_SIGMOID;
  rules.groups = task.groups;
  rules.top_groups = task.top_groups;
  rules.top2_sum = task.top2_sum;
  rules.bias = task.selection_bias;
  rules.mask = task.expert_mask;
  return rules;
}

/** Decides for one token; all lanes of the warp take part. */
__device__ __forceinline__ void decide_token(const RouteTask& task, TokenRow row, int token) {
  if (!finish_logits(task, row, token)) {
    if (lane_id() == 0) atomicMin(&task.failures->not_finite, token);
    write_slots(task, row, token, 0, 0);
    return;
  }
  __syncwarp();
  gate_row(task, row);
  const float score = score_row(task, row, token);
  if (task.scores && lane_id() == 0) task.scores[token] = score;
  int usable = 0;
  const RankRules rules = rank_rules(task);
  const int ordered = rank_experts(rules, row, task.ranked, &usable);
  if (usable < task.min_experts) {
    if (lane_id() == 0) atomicMin(&task.failures->unbalanced, token);
    write_slots(task, row, token, 0, 0);
    return;
  }
  const int limit = smaller(count_row(task, score, token), ordered);
  write_slots(task, row, token, taken(task, row, limit, token), ordered);
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_DECIDE_HPP_
