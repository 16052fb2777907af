// norm: RMS norm and layer norm over rows.
//
// rms    y = x / sqrt(mean(x^2) + epsilon) * weight
// layer  y = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * weight + bias
// Sums: 16 lanes over the columns (lane = column mod 16, ascending; squares by fma), then the tree of
// sum_tree, so the bits are the same at every level. With n = columns/16 + 6 additions per sum, relative
// error of the root is at most gamma(n + 4); each output has at most 3 more roundings.
#ifndef DYNAMICMOE_OPS_NORM_NORM_HPP_
#define DYNAMICMOE_OPS_NORM_NORM_HPP_

#include <stdint.h>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

struct Norm {
  const float* in;  // [rows, columns]
  int64_t in_stride;
  int64_t rows;
  int64_t columns;
  const float* weight;  // [columns] or NULL
  const float* bias;    // [columns] or NULL; layer norm only
  float epsilon;
  float* out;  // [rows, columns], may be `in`
  int64_t out_stride;
};

using norm_rms_kernel = void(const Norm&);
using norm_layer_kernel = void(const Norm&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/norm/norm.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_NORM_NORM_HPP_
