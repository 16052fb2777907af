// experts, q8 and q4: as experts_bf16.cu, with weights that become bfloat16 integers in registers (exactly)
// and one float16 scale per 32 k and column.
//
// input and h are bfloat16 as there; the CPU's kernels round them to int8 per block of 32 instead.
// Order: per block of 32 k a chain of two mma from 0, then acc = fma(scale, sum, acc), blocks ascending, then
// the bias, then the activation.
//
// Error of a sum with its bias: with S = sum |x||scale value| + |b|, B = ceil(K / 32), gamma(n) = n u / (1 -
// n u) and the model of mma in experts_bf16.cu,
//   e(K) = (96 u / (1 - 96 u) + gamma(B + 2)) S + (K + 1) 2^-126 max(1, |scale|):
// 3 * 32 u for a block's sum, one rounding per fma, one for the bias. The rest as in experts_bf16.cu.
// Against the CPU: for float inputs x this kernel multiplies by values off by at most 2^-8 |x|, the CPU by
// values off by at most max |x| of the block / 253, so that a sum differs by at most
//   sum |scale value| (2^-8 |x| + max |x| of its block / 253) + e(K) + the CPU's bound
//   (core/panel_quant.inl),
// and h likewise before it enters the down product.
#include "kernels/expert_gemm.hpp"

namespace dmoe::cuda {

#define DMOE_EXPERTS(name, side, format, shape)                                      \
  extern "C" __global__ void __launch_bounds__(shape::kThreads, shape::kBlocksPerSm) \
      name(const ExpertsTask task) {                                                 \
    ExpertGemm<side, format, shape>::run(task);                                      \
  }

DMOE_EXPERTS(dmoe_up_q8_128, Side::kUp, FormatQ8, LargeTile)
DMOE_EXPERTS(dmoe_up_q8_64, Side::kUp, FormatQ8, SmallTile)
DMOE_EXPERTS(dmoe_down_q8_128, Side::kDown, FormatQ8, LargeTile)
DMOE_EXPERTS(dmoe_down_q8_64, Side::kDown, FormatQ8, SmallTile)
DMOE_EXPERTS(dmoe_up_q4_128, Side::kUp, FormatQ4, LargeTile)
DMOE_EXPERTS(dmoe_up_q4_64, Side::kUp, FormatQ4, SmallTile)
DMOE_EXPERTS(dmoe_down_q4_128, Side::kDown, FormatQ4, LargeTile)
DMOE_EXPERTS(dmoe_down_q4_64, Side::kDown, FormatQ4, SmallTile)

}  // namespace dmoe::cuda
