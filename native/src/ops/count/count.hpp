// count: experts per token from scores (core/rules/choice.hpp), or from the caller's counts, clamped. Exact.
#ifndef DYNAMICMOE_OPS_COUNT_COUNT_HPP_
#define DYNAMICMOE_OPS_COUNT_COUNT_HPP_

#include <stdint.h>

namespace dmoe {

struct Count {
  int64_t tokens;
  const float* scores;   // [tokens] in [0,1]
  const int32_t* given;  // [tokens] in place of scores, or NULL
  int32_t kmin;
  int32_t kmax;
  float offset;
  int32_t* limits;  // [out] [tokens] k
};
using count_kernel = void(const Count&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/count/count.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_COUNT_COUNT_HPP_
