// dense: y = x W^T + b on packed panels, and the passes over rows that prepare products.
//
// dense        sums as panel_gemm.inl says, then the bias; |y - exact| <= gamma(K + 2) * (sum |x||w| + |b|)
//              + (K + 1) * 2^-126.
// round_rows   float rows to bfloat16, nearest even, padded with zeros to the stride: exact by definition.
// quantise_rows  float rows to blocks of 32 (core/quant.hpp), the same bits at every level:
//              |x - scale * value| <= (1/2 + 2^-15) * scale, or 2^-119 in a block set to zero.
// finite_rows  index of the first row that holds a NaN or an infinity, or the row count.
// gate_rows    sigmoid(row . gate): 16 lanes over the columns, then the tree of sum_tree;
//              |error| <= gamma(D/16 + 6) * sum |x||g| / 4 + 2^-20.
#ifndef DYNAMICMOE_OPS_DENSE_DENSE_HPP_
#define DYNAMICMOE_OPS_DENSE_DENSE_HPP_

#include "core/panel_gemm.hpp"
#include "core/quant.hpp"
#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

struct Dense {
  PanelGemm gemm;     // out: first column of the first panel; only `columns` of its columns are written
  int64_t columns;    // in (32 * (panel_count - 1), 32 * panel_count]
  const float* bias;  // [32 * panel_count] or NULL
};

// A block of float rows; pointer + stride, so that a row may be wider than its columns.
struct Rows {
  const float* data;
  int64_t count;
  int64_t columns;
  int64_t stride;
};
struct RoundRows {
  Rows in;
  uint16_t* out;       // [count, out_stride]
  int64_t out_stride;  // a multiple of 16, >= columns
};
struct QuantiseRows {
  Rows in;
  QuantBlock* out;     // [count, out_stride]
  int64_t out_stride;  // blocks, >= quant_blocks(columns)
  int32_t offset;      // of the weights that the rows will meet: kQ8Offset or kQ4Offset
};
struct GateRows {
  Rows in;
  const float* gate;  // [columns]
  float* out;         // [count]
};

using dense_f32_kernel = void(const Dense&);
using dense_bf16_kernel = void(const Dense&);
using round_rows_kernel = void(const RoundRows&);
using quantise_rows_kernel = void(const QuantiseRows&);
using finite_rows_kernel = int64_t(const Rows&);
using gate_rows_kernel = void(const GateRows&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/dense/dense.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_DENSE_DENSE_HPP_
