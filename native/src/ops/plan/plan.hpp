// plan: routes in order of expert (compressed sparse rows). Unused slots (-1) never enter a plan.
// in  ids[T,slots]    out offsets[E+1], tokens[R] ascending within an expert, rows[T,slots] = route of the
// slot or -1 A counting sort: two passes over ids, exact, no comparison of values.
#ifndef DYNAMICMOE_OPS_PLAN_PLAN_HPP_
#define DYNAMICMOE_OPS_PLAN_PLAN_HPP_

#include <stdint.h>

namespace dmoe {

/** @param ids each -1 or 0..experts-1 @param offsets [out] [experts + 1] @param tokens [out] one per used
 * slot
 *  @param rows [out] [tokens, slots] or NULL. @return routes */
using plan_build_kernel = int64_t(const int32_t* ids, int64_t token_count, int32_t slots, int32_t experts,
                                  int64_t* offsets, int32_t* tokens, int32_t* rows);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/plan/plan.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_PLAN_PLAN_HPP_
