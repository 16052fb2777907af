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
  return scratch;
}

dmoe_layer_params check_limits(const dmoe_layer_params* limits) {
  if (limits == nullptr) return dmoe_layer_params{};
  const auto checked = read_struct(limits, dmoe_layer_params{}, "limits");
  DMOE_REQUIRE(std::isfinite(checked.capacity_factor) && checked.capacity_factor >= 0, DMOE_E_OPTIONS,
               "capacity_factor is %g, must be finite and >= 0",
               static_cast<double>(checked.capacity_factor));
  require_option(checked.overflow, DMOE_OVERFLOW_DROP, DMOE_OVERFLOW_REROUTE, "overflow");
  return checked;
}

void require_limitable(int64_t tokens, int32_t slots) {
  const int64_t cells = checked_product(tokens, slots, "routes");
  DMOE_REQUIRE(cells <= INT32_MAX, DMOE_E_SHAPE, "routes has %lld slots in all, must be <= %d",
               static_cast<long long>(cells), INT32_MAX);
}

LimitResult limit_routes(const Router& router, const RouteCall& call, const dmoe_layer_params& limits,
                         const float* logits, int64_t stride, int64_t tokens, int32_t slots, int32_t* ids,
                         float* weights, int32_t* counts, const LimitScratch& scratch) {
  if (limits.capacity_factor == 0) {
    count_routes(ids, tokens, slots, router.experts(), scratch.load);
    return LimitResult{};
  }
  Capacity task{};
  task.rules = router.rank_rules(call);
  task.logits = logits;
  task.stride = stride;
  task.tokens = tokens;
  task.slots = slots;
  task.factor = limits.capacity_factor;
  task.reroute = limits.overflow == DMOE_OVERFLOW_REROUTE;
  task.ids = ids;
  task.weights = weights;
  task.counts = counts;
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
