// panel_gemm: the layout of packed weights, shared by the packers and the kernels.
//
// A weight matrix [N, K] is cut into panels of 32 output columns. Within a panel the 32 columns lie side by
// side for each k (f32), or for each pair of k (bf16), so that one step of k is two 64-byte vectors at every
// level:
//   f32   [N/32][K][32]            bf16  [N/32][K/2][32][2], K padded to even        q8, q4  core/quant.hpp
// Columns that pad N and the element that pads K are zero; results of padding columns are computed and never
// stored.
#ifndef DYNAMICMOE_CORE_PANEL_GEMM_HPP_
#define DYNAMICMOE_CORE_PANEL_GEMM_HPP_

#include <stdint.h>

namespace dmoe {

constexpr int64_t kPanelColumns = 32;

// What a tile asks for (prefetch) beside each step of its own weights: half of the weights of a step, or a
// whole step's.
enum class Ahead { kNone, kHalf, kWhole };
template <class Format, Ahead A>
constexpr int64_t ahead_bytes() {
  return A == Ahead::kNone ? 0 : A == Ahead::kHalf ? Format::kAhead : Format::kStepBytes;
}

// rows x panels -> out: what panel_gemm of panel_gemm.inl takes.
struct PanelGemm {
  // [m] pointers to k elements of float, of bf16 (k rounded up to even, pad 0), or to quant_blocks(k) blocks.
  const void* const* rows;
  int64_t m;            // >= 0
  int64_t k;            // >= 1
  const void* panels;   // first panel, 64-byte aligned
  int64_t panel_count;  // >= 0
  float* out;           // [m, 32 * panel_count]
  int64_t out_stride;   // elements between rows of out
  // The panels come from further away than a core's own cache. They are then read one after the other: one
  // stream at a time is what the hardware prefetches best (benchmarks/results/kernel-steps.md). Else a few
  // rows take several panels at once, which hides the latency of the sums.
  bool from_memory = false;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_PANEL_GEMM_HPP_
