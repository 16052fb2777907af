// Exports: plans.
#include "abi/guard.hpp"
#include "core/views.hpp"
#include "engine/cpu.hpp"
#include "engine/kernel_table.hpp"

using namespace dmoe;

namespace {

struct CheckedPlan {
  dmoe_routes routes;
  dmoe_plan plan;
};

CheckedPlan check_plan(const dmoe_routes* routes, const dmoe_plan* plan) {
  const CheckedPlan c{read_struct(routes, dmoe_routes{}, "routes"), read_struct(plan, dmoe_plan{}, "plan")};
  DMOE_REQUIRE(c.routes.tokens >= 0, DMOE_E_SHAPE, "routes.tokens is %lld, must be >= 0",
               static_cast<long long>(c.routes.tokens));
  DMOE_REQUIRE(c.routes.slots >= 1, DMOE_E_SHAPE, "routes.slots is %d, must be >= 1", c.routes.slots);
  DMOE_REQUIRE(c.plan.experts >= 1 && c.plan.experts <= 4096, DMOE_E_SHAPE,
               "plan.experts is %d, must be within 1..4096", c.plan.experts);
  DMOE_REQUIRE(c.plan.capacity >= 0, DMOE_E_SHAPE, "plan.capacity is %lld, must be >= 0",
               static_cast<long long>(c.plan.capacity));
  const int64_t cells = checked_product(c.routes.tokens, c.routes.slots, "routes");
  DMOE_REQUIRE(cells <= INT32_MAX, DMOE_E_SHAPE, "routes has %lld slots in all, must be <= %d",
               static_cast<long long>(cells), INT32_MAX);
  require_pointer(c.plan.offsets, "plan.offsets");
  if (cells > 0) {
    require_pointer(c.routes.ids, "routes.ids");
    require_pointer(c.plan.rows, "plan.rows");
  }
  return c;
}

}  // namespace

dmoe_status dmoe_plan_build(const dmoe_routes* routes, const dmoe_plan* plan) {
  return guard("plan_build", [&] {
    const CheckedPlan c = check_plan(routes, plan);
    const int64_t cells = c.routes.tokens * c.routes.slots;
    int64_t used = 0;
    for (int64_t i = 0; i < cells; ++i) {
      const int32_t id = c.routes.ids[i];
      DMOE_REQUIRE(id >= -1 && id < c.plan.experts, DMOE_E_ARGUMENT,
                   "routes.ids of token %lld, slot %lld is %d, must be within -1..%d",
                   static_cast<long long>(i / c.routes.slots), static_cast<long long>(i % c.routes.slots), id,
                   c.plan.experts - 1);
      used += id >= 0;
    }
    DMOE_REQUIRE(used <= c.plan.capacity, DMOE_E_SHAPE, "plan.capacity is %lld, the routes need %lld",
                 static_cast<long long>(c.plan.capacity), static_cast<long long>(used));
    if (used > 0) require_pointer(c.plan.tokens, "plan.tokens");
    const Span outputs[] = {span_of(c.plan.offsets, int64_t{c.plan.experts} + 1, "plan.offsets"),
                            span_of(c.plan.tokens, used, "plan.tokens"),
                            span_of(c.plan.rows, cells, "plan.rows")};
    const Span input = span_of(c.routes.ids, cells, "routes.ids");
    require_disjoint(outputs, 3, &input, 1);
    kernel_table(resolve_isa(DMOE_ISA_AUTO))
        .plan_build(c.routes.ids, c.routes.tokens, c.routes.slots, c.plan.experts, c.plan.offsets,
                    c.plan.tokens, c.plan.rows);
  });
}
