// The second step of a chunk: gate, score, count, select.
#include <algorithm>
#include <cmath>

#include "core/rules.hpp"
#include "core/status.hpp"
#include "core/thread_pool.hpp"
#include "engine/router.hpp"

namespace dmoe {

RankRules Router::rank_rules(const RouteCall& call) const {
  RankRules rules{};
  rules.experts = options_.experts;
  rules.sigmoid = options_.gate == DMOE_GATE_SIGMOID;
  rules.groups = options_.groups;
  rules.top_groups = options_.top_groups;
  rules.top2_sum = options_.group_score == DMOE_GROUP_TOP2_SUM;
  rules.bias = call.params.selection_bias;
  rules.mask = call.params.expert_mask;
  return rules;
}

void Router::require_balance(const RouteCall& call, int64_t first, int64_t count,
                             RouteScratch& scratch) const {
  const RankRules rules = rank_rules(call);
  gate_rows(scratch, 0, count);
  for (int64_t t = 0; t < count; ++t) {
    int32_t usable = 0;
    rule_rank(&rules, scratch.logits + t * padded_experts(), scratch.mass + t * padded_experts(),
              scratch.totals[t], 1, scratch.keys, &usable);
    DMOE_REQUIRE(usable >= call.params.min_experts, DMOE_E_BALANCE,
                 "group limits and expert_mask leave token %lld %d usable experts, min_experts is %d",
                 static_cast<long long>(first + t), usable, call.params.min_experts);
  }
}

void Router::gate_rows(const RouteScratch& scratch, int64_t row, int64_t count) const {
  Gate task{};
  task.logits = scratch.logits + row * padded_experts();
  task.stride = padded_experts();
  task.rows = count;
  task.experts = options_.experts;
  task.mass = scratch.mass + row * padded_experts();
  task.totals = scratch.totals + row;
  (options_.gate == DMOE_GATE_SOFTMAX ? kernels_->gate_softmax : kernels_->gate_sigmoid)(task);
}

void Router::score_rows(const RouteCall& call, const RouteScratch& scratch, int64_t first, int64_t row,
                        int64_t count) const {
  float* scores = scratch.scores + row;
  ScoreRows task{};
  task.data = scratch.logits + row * padded_experts();
  task.stride = padded_experts();
  task.rows = count;
  task.columns = options_.experts;
  task.scores = scores;
  task.sigmoid = options_.gate == DMOE_GATE_SIGMOID;
  task.temperature = 1.0f;
  task.totals = scratch.totals + row;
  switch (call.params.score_source) {
    case DMOE_SCORE_SUPPLIED:
      std::copy_n(call.params.scores + first + row, count, scores);
      return;
    case DMOE_SCORE_ROUTER_MARGIN:
      kernels_->score_margin(task);
      return;
    case DMOE_SCORE_ROUTER_ENTROPY:
      if (task.sigmoid) {
        task.data = scratch.mass + row * padded_experts();
        kernels_->score_shares(task);
      } else {
        kernels_->score_entropy(task);
      }
      for (int64_t t = 0; t < count; ++t)
        scores[t] = options_.experts < 2 ? 0.0f : std::min(1.0f, scores[t] / log_experts_);
      return;
    default:
      std::fill_n(scores, count, 0.5f);
      return;
  }
}

void Router::decide_rows(const RouteCall& call, int64_t first, int64_t row, int64_t count, int worker,
                         const RouteScratch& scratch, const RouteRows& all) const {
  const dmoe_route_params& p = call.params;
  const RouteRows rows = all.from(row, options_.experts);
  gate_rows(scratch, row, count);
  score_rows(call, scratch, first, row, count);
  int32_t* limits = scratch.limits + row;
  if (p.strategy == DMOE_STRATEGY_TOP_K) {
    const int32_t* given = p.counts ? p.counts + first + row : nullptr;
    kernels_->count(
        Count{count, scratch.scores + row, given, p.min_experts, p.max_experts, p.count_offset, limits});
  } else {
    std::fill_n(limits, count, p.max_experts);
  }
  float* gap_limits = scratch.gap_limits + row;
  for (int64_t t = 0; t < count; ++t)
    gap_limits[t] = p.token_taus && p.strategy == DMOE_STRATEGY_THRESHOLD
                        ? static_cast<float>(-std::log(static_cast<double>(p.token_taus[first + row + t])))
                        : call.gap_limit;

  Select task{};
  task.rules = rank_rules(call);
  task.logits = scratch.logits + row * padded_experts();
  task.mass = scratch.mass + row * padded_experts();
  task.totals = scratch.totals + row;
  task.stride = padded_experts();
  task.rows = count;
  task.strategy = static_cast<dmoe_strategy>(p.strategy);
  task.weighting = static_cast<dmoe_weighting>(p.weighting);
  task.kmin = p.min_experts;
  task.trained_k = options_.trained_k;
  task.ranked = call.ranked;
  task.subset = call.subset;
  task.routed_scale = options_.routed_scale;
  task.top_p = p.top_p;
  task.limits = limits;
  task.gap_limits = gap_limits;
  task.slots = rows.slots;
  task.ids = rows.ids;
  task.weights = rows.weights;
  task.counts = rows.counts;
  task.gaps = rows.gaps;
  task.keys = scratch.keys + int64_t{2} * options_.experts * worker;
  task.base = scratch.base + int64_t{options_.experts} * worker;
  kernels_->select(task);

  if (rows.scores) std::copy_n(scratch.scores + row, count, rows.scores);
  if (rows.logits)
    for (int64_t t = 0; t < count; ++t)
      std::copy_n(task.logits + t * padded_experts(), options_.experts, rows.logits + t * options_.experts);
}

void Router::decide(const RouteCall& call, int64_t first, int64_t count, RouteScratch& scratch,
                    const RouteRows& rows) const {
  const int64_t blocks = (count + kRouterRows - 1) / kRouterRows;
  const int threads = std::min(scratch.workers, threads_for(count * options_.experts * 64));
  parallel_for(blocks, threads, [&](int64_t block, int worker) {
    const int64_t row = block * kRouterRows;
    decide_rows(call, first, row, std::min(kRouterRows, count - row), worker, scratch, rows);
  });
}

}  // namespace dmoe
