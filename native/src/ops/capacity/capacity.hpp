// capacity: a limit on the routes of one expert, applied to decided routes in place.
// Routes claim places in order of falling weight, then token, then rank. What finds its expert full is
// dropped, or moves to the token's next choice with room: the best usable expert that the token does not have
// yet; it keeps weight and rank. Rerouting starts after all claims, in the same order. A token that lost
// routes has the others scaled so that its weights sum to what they did before (in double, one rounding
// each); a token that lost all has no route. Slots stay in order and are compacted to the left. Exact but for
// the scaling.
#ifndef DYNAMICMOE_OPS_CAPACITY_CAPACITY_HPP_
#define DYNAMICMOE_OPS_CAPACITY_CAPACITY_HPP_

#include <stdint.h>

#include "core/rules/rank.hpp"

namespace dmoe {

struct Capacity {
  RankRules rules;
  const float* logits;  // [tokens, experts], noise included; read for rerouting only
  int64_t stride;
  int64_t tokens;
  int32_t slots;
  float factor;      // > 0
  int32_t reroute;   // 0 = drop
  int32_t* ids;      // [in, out] [tokens, slots] each -1 or below experts
  float* weights;    // [in, out] [tokens, slots] finite
  int32_t* counts;   // [out] [tokens] or NULL
  uint64_t* claims;  // scratch [tokens * slots]
  int64_t* load;     // scratch [experts]; [out] routes per expert
  float* mass;       // scratch [experts]
  uint64_t* keys;    // scratch [experts + rule_rank_scratch]
  int64_t overflow;  // [out] routes over capacity
  int64_t dropped;   // [out] of these, not placed
};
using capacity_kernel = void(Capacity&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/capacity/capacity.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_CAPACITY_CAPACITY_HPP_
