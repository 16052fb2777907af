#include "engine/limit.hpp"

#include <cmath>

#include "core/status.hpp"

namespace dmoe {

LimitScratch lay_limit(Arena& arena, const Router& router, int64_t tokens, int32_t slots) {
  const auto experts = static_cast<size_t>(router.experts());
  LimitScratch scratch;
  scratch.claims = arena.take<uint64_t>(static_cast<size_t>(checked_product(tokens, slots, "routes")));
  scratch.load = arena.take<int64_t>(experts);
  scratch.mass = arena.take<float>(experts);
  scratch.keys = arena.take<uint64_t>(2 * experts);
  scratch.sums = arena.take<double>(experts);
  scratch.order = arena.take<int32_t>(experts);
  scratch.subset = arena.take<uint8_t>(experts);
  return scratch;
}

dmoe_layer_params check_limits(const dmoe_layer_params* limits) {
  if (limits == nullptr) return dmoe_layer_params{};
  const auto checked = read_struct(limits, dmoe_layer_params{}, "limits");
  DMOE_REQUIRE(std::isfinite(checked.capacity_factor) && checked.capacity_factor >= 0, DMOE_E_OPTIONS,
               "capacity_factor is %g, must be finite and >= 0",
               static_cast<double>(checked.capacity_factor));
  require_option(checked.overflow, DMOE_OVERFLOW_DROP, DMOE_OVERFLOW_REROUTE, "overflow");
  DMOE_REQUIRE(checked.max_distinct >= 0, DMOE_E_OPTIONS, "max_distinct is %d, must be >= 0",
               checked.max_distinct);
  return checked;
}

void require_satisfiable(const dmoe_layer_params& limits, const RouteCall& call, int32_t slots) {
  if (limits.max_distinct == 0) return;
  DMOE_REQUIRE(limits.max_distinct >= call.params.min_experts, DMOE_E_BALANCE,
               "max_distinct is %d, min_experts is %d: every token gets at least that many",
               limits.max_distinct, call.params.min_experts);
  DMOE_REQUIRE(slots >= call.params.max_experts, DMOE_E_SHAPE,
               "routes.slots is %d, must be >= max_experts (%d)", slots, call.params.max_experts);
}

void require_limitable(int64_t tokens, int32_t slots) {
  const int64_t cells = checked_product(tokens, slots, "routes");
  DMOE_REQUIRE(cells <= INT32_MAX, DMOE_E_SHAPE, "routes has %lld slots in all, must be <= %d",
               static_cast<long long>(cells), INT32_MAX);
}

namespace {

// Selects anew within the experts that the cap leaves. @return whether the batch was over the cap
bool cap_distinct(const Router& router, const RouteCall& call, int32_t cap, const MatrixView& logits,
                  const RouteRows& rows, const LimitScratch& scratch) {
  Distinct task{};
  task.logits = logits.data;
  task.stride = logits.stride;
  task.tokens = logits.rows;
  task.experts = router.experts();
  task.sigmoid = router.options().gate == DMOE_GATE_SIGMOID;
  task.mask = call.params.expert_mask;
  task.ids = rows.ids;
  task.slots = rows.slots;
  task.cap = cap;
  task.mass = scratch.mass;
  task.sums = scratch.sums;
  task.order = scratch.order;
  task.subset = scratch.subset;
  router.kernels().distinct(task);
  if (!task.capped) return false;
  RouteCall again = call;
  again.subset = scratch.subset;
  again.ranked = router.experts();
  again.params.noise_factor = 0;  // the logits have it
  RouteRows written = rows;
  written.logits = nullptr;
  router.select(logits, again, written);
  return true;
}

}  // namespace

LimitResult limit_routes(const Router& router, const RouteCall& call, const dmoe_layer_params& limits,
                         const MatrixView& logits, const RouteRows& rows, const LimitScratch& scratch) {
  const bool capped =
      limits.max_distinct > 0 && cap_distinct(router, call, limits.max_distinct, logits, rows, scratch);
  if (limits.capacity_factor == 0) {
    count_routes(rows.ids, logits.rows, rows.slots, router.experts(), scratch.load);
    return LimitResult{};
  }
  Capacity task{};
  task.rules = router.rank_rules(call);
  if (capped) task.rules.mask = scratch.subset;  // a rerouted token stays within the cap
  task.logits = logits.data;
  task.stride = logits.stride;
  task.tokens = logits.rows;
  task.slots = rows.slots;
  task.factor = limits.capacity_factor;
  task.reroute = limits.overflow == DMOE_OVERFLOW_REROUTE;
  task.ids = rows.ids;
  task.weights = rows.weights;
  task.counts = rows.counts;
  task.claims = scratch.claims;
  task.load = scratch.load;
  task.mass = scratch.mass;
  task.keys = scratch.keys;
  router.kernels().capacity(task);
  return LimitResult{task.overflow, task.dropped};
}

void count_routes(const int32_t* ids, int64_t tokens, int32_t slots, int32_t experts,
                  int64_t* load) noexcept {
  for (int32_t e = 0; e < experts; ++e) load[e] = 0;
  for (int64_t i = 0; i < tokens * slots; ++i)
    if (ids[i] >= 0) ++load[ids[i]];
}

dmoe_batch_report make_report(const int64_t* load, int32_t experts, int64_t tokens) noexcept {
  dmoe_batch_report report{};
  report.struct_size = sizeof report;
  report.tokens = tokens;
  for (int32_t e = 0; e < experts; ++e) {
    report.distinct_experts += load[e] > 0;
    report.routes += load[e];
    if (load[e] > report.max_expert_routes) report.max_expert_routes = load[e];
  }
  return report;
}

}  // namespace dmoe
