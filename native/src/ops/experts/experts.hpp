// experts: the two products of an expert on packed panels (core/panel_gemm.hpp).
//
// up    h = act(x Wup^T + bup), or silu(x Wgate^T + bgate) * (x Wup^T + bup) for SwiGLU. A panel of SwiGLU
//       holds 16 gate columns, then the 16 up columns that belong to them: both are at hand when h is formed.
//       It yields 16 columns of h, any other 32. h is what the format's products take: float, bfloat16
//       rounded to nearest even, or quantised blocks of 32 (core/quant.hpp).
// down  y = h Wdown^T + bdown.
// Order: sums as panel_gemm.inl and panel_quant.inl say, then the bias, then the activation
// (core/simd_math.inl). A row's result depends on nothing but the row, the weights, the format and, for bf16,
// whether the level has vdpbf16ps. Error of y against exact arithmetic on the stored weights and rows: with
// eg, eu the errors of the two sums, gamma(K + 2) * (sum |x||w| + |b|) + (K + 1) * 2^-126 each,
// |dh| <= 1.1 |up| eg + |silu| eu + 1.1 eg eu + 2^-20 |h| for SwiGLU and 1.13 eu + 2^-20 |up| for the others
// (1.1 and 1.13 bound |silu'| and |gelu'|), + 2^-8 (|h| + |dh|) in bf16 and + (max (|h| + |dh|) of the block)
// / 253 + 2^-119 in q8 and q4; then |dy| <= sum |wdown| |dh| + gamma(F + 2) * (sum |wdown| (|h| + |dh|) +
// |b|) + (F + 1) * 2^-126. The sums of q8 and q4 err less: panel_quant.inl.
#ifndef DYNAMICMOE_OPS_EXPERTS_EXPERTS_HPP_
#define DYNAMICMOE_OPS_EXPERTS_EXPERTS_HPP_

#include "core/panel_gemm.hpp"
#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

constexpr int64_t kUpGroupPanels = 4;  // panels whose sums are in scratch at once

struct ExpertsUp {
  PanelGemm gemm;         // rows: tokens; out: scratch [m, 32 * kUpGroupPanels], out_stride its width
  int32_t kind;           // dmoe_expert_kind, not LINEAR
  const float* bias;      // [32 * panel_count] in the columns' order, or NULL
  void* hidden;           // [m, columns of the panels] of the format; q8, q4: the first column starts a block
  int64_t hidden_stride;  // bytes
};

struct ExpertsDown {
  PanelGemm gemm;     // rows: rows of h; out: [m, 32 * panel_count]
  const float* bias;  // [32 * panel_count] or NULL
};

using experts_up_f32_kernel = void(const ExpertsUp&);
using experts_up_bf16_kernel = void(const ExpertsUp&);
using experts_up_q8_kernel = void(const ExpertsUp&);
using experts_up_q4_kernel = void(const ExpertsUp&);
using experts_down_f32_kernel = void(const ExpertsDown&);
using experts_down_bf16_kernel = void(const ExpertsDown&);
using experts_down_q8_kernel = void(const ExpertsDown&);
using experts_down_q4_kernel = void(const ExpertsDown&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/experts/experts.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_EXPERTS_EXPERTS_HPP_
