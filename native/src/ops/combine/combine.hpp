// combine: out[t] = sum over slots s, in order, of weights[t, s] * y[rows[t, s]]; slots with row -1 are
// skipped.
//
// Order: the first used slot is a product, each further one an fma, ascending in s; a token without slots
// gets zeros. |out - exact| <= gamma(slots) * sum |w||y|. Returns the lowest token whose result holds a NaN
// or an infinity, or -1; the caller names the expert.
#ifndef DYNAMICMOE_OPS_COMBINE_COMBINE_HPP_
#define DYNAMICMOE_OPS_COMBINE_COMBINE_HPP_

#include <stdint.h>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

struct Combine {
  int64_t tokens;
  int64_t slots;
  int64_t columns;
  const int32_t* rows;   // [tokens, slots] row of y, -1 = unused
  const float* weights;  // [tokens, slots]
  const float* y;        // [rows, y_stride]
  int64_t y_stride;
  float* out;  // [tokens, columns]
  int64_t out_stride;
};

using combine_kernel = int64_t(const Combine&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/combine/combine.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_COMBINE_COMBINE_HPP_
