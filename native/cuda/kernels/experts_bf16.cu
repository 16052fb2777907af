// experts, bf16: the up and the down product of every expert, grouped, on tensor cores (expert_gemm.hpp).
//
//   up    h[r] = act(x[token_of[r]] Wup^T + b), or silu(x Wgate^T + b) * (x Wup^T + b), rounded to bfloat16
//   down  y[r] = h[r] Wdown^T + b in float; LINEAR multiplies x[token_of[r]]
// input and h: bfloat16, aligned to 16 bytes, strides multiples of 8 elements.
// _128: tiles of 128 rows by 128 columns, 256 threads. _64: 64 by 64, 128 threads. Both, and
// experts_small.cu, give the same bits. Order: one chain of mma per element, blocks of 32 k ascending
// (expert_formats.hpp), then the bias, then the activation.
//
// Error. The PTX manual does not bound the sums of mma. What is known of the hardware (4, 8 or 16 products
// and the accumulator are added as one sum, each cut to at least 2^-23 of the largest, and the sum again)
// gives at most 6/4 * 2^-23 per k. With S = sum |x||w| + |b|, K' = K rounded up to 32, u = 2^-24,
//   e(K) = (3 K' u / (1 - 3 K' u) + 2 u) S + (K + 1) 2^-126
// is the error of a sum with its bias. As in ops/experts/experts.hpp, with eg, eu the errors of gate and up,
//   |dh| <= 1.1 |up| eg + |silu| eu + 1.1 eg eu + 2^-20 |h| with a gate, 1.13 eu + 2^-20 |up| without,
//   + 1e-36, + 2^-8 (|h| + |dh|) + 2^-134 for the rounding; then
//   |dy| <= sum |wdown| |dh| + e(F) with S = sum |wdown| (|h| + |dh|) + |b|.
#include "kernels/expert_gemm.hpp"

namespace dmoe::cuda {

#define DMOE_EXPERTS(name, side, shape)                                              \
  extern "C" __global__ void __launch_bounds__(shape::kThreads, shape::kBlocksPerSm) \
      name(const ExpertsTask task) {                                                 \
    ExpertGemm<side, FormatBf16, shape>::run(task);                                  \
  }

DMOE_EXPERTS(dmoe_up_bf16_128, Side::kUp, LargeTile)
DMOE_EXPERTS(dmoe_up_bf16_64, Side::kUp, SmallTile)
DMOE_EXPERTS(dmoe_down_bf16_128, Side::kDown, LargeTile)
DMOE_EXPERTS(dmoe_down_bf16_64, Side::kDown, SmallTile)

}  // namespace dmoe::cuda
