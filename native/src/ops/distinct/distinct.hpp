// distinct: the experts that a batch with a cap on distinct experts may use.
// First the experts that are some token's first choice, then the other usable ones; within both by falling
// sum of p over the batch, ties to the lower id; the first `cap` of that order. A batch that keeps within the
// cap as it was decided is left alone. Sums are in double, tokens ascending: a p of float precision each, so
// that a sum's relative error is that of p (ops/gate) plus tokens * 2^-53.
#ifndef DYNAMICMOE_OPS_DISTINCT_DISTINCT_HPP_
#define DYNAMICMOE_OPS_DISTINCT_DISTINCT_HPP_

#include <stdint.h>

namespace dmoe {

struct Distinct {
  const float* logits;  // [tokens, experts], noise included
  int64_t stride;
  int64_t tokens;
  int32_t experts;
  int32_t sigmoid;
  const uint8_t* mask;  // [experts] 0 = not usable, or NULL
  const int32_t* ids;   // [tokens, slots] as decided: first choice first, -1 = unused
  int32_t slots;
  int32_t cap;      // >= 1
  float* mass;      // scratch [experts]
  double* sums;     // scratch [experts]
  int32_t* order;   // scratch [experts]
  uint8_t* subset;  // [out] [experts] 1 = may be used; also scratch
  int32_t capped;   // [out] 0 = the batch keeps within the cap, subset says nothing
};
using distinct_kernel = void(Distinct&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/distinct/distinct.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_DISTINCT_DISTINCT_HPP_
