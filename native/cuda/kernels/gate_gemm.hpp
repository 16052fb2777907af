// The router's product in float32: logits of a block's tokens, kept in shared memory.
//
// Every logit has one accumulator, which starts at 0 and takes fma(w[k], h[k], sum) with k ascending, then
// the bias: the order of ops/logits, hence the same bits, whatever the batch. |l - exact| <= (D + 1) 2^-24
// (sum |h w| + |b|) (1 + small).
//
// A warp computes 4 tokens x kPanels * 32 experts, lane l the experts l, l + 32, ...: a weight is read once
// per lane and serves 4 tokens, a hidden value is read by all lanes at once. Tiles of weights [k, experts]
// and hidden [token, k] come through two stages of shared memory, one being filled by cp.async while the
// other is used.
#ifndef DYNAMICMOE_CUDA_KERNELS_GATE_GEMM_HPP_
#define DYNAMICMOE_CUDA_KERNELS_GATE_GEMM_HPP_

#include "kernels/launch.hpp"
#include "kernels/warp.hpp"

namespace dmoe::cuda {

/** One pass over k: panels [first_panel, first_panel + panels) for the block's tokens. */
struct GatePass {
  int32_t first_token, first_panel, panels;
  float* weights;  // two stages of [tile_k, panels * 32]
  float* hidden;   // two stages of [tokens, tile_k]
  float* logits;   // [tokens, padded_experts]
};

/** Starts to copy `count` floats of [0, 4], zeroing the rest. `whole` tells that both ends are aligned to 16
 * bytes. */
__device__ __forceinline__ void copy_four(float* shared, const float* global, int count, bool whole) {
  if (whole) {
    cp_async16(shared, global, count * 4);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) shared[i] = i < count ? global[i] : 0.0f;
}

/** Starts to copy the tiles of k [first, first + tile_k) as far as k exists. */
__device__ __forceinline__ void load_stage(const RouteTask& task, const RouteShape& shape,
                                           const GatePass& pass, int stage, int first) {
  const int left = smaller(shape.tile_k, task.hidden_size - first);
  const int row_fours = pass.panels * 8;
  float* weights = pass.weights + stage * shape.weight_floats;
  for (int i = threadIdx.x; i < left * row_fours; i += kRouteThreads) {
    const int k = i / row_fours, column = i % row_fours * 4;
    cp_async16(weights + k * pass.panels * 32 + column,
               task.gate_weights + static_cast<int64_t>(first + k) * task.padded_experts +
                   pass.first_panel * 32 + column,
               16);
  }
  const bool whole =
      ((reinterpret_cast<uint64_t>(task.hidden) | static_cast<uint64_t>(task.hidden_stride * 4)) & 15) == 0;
  const int fours = (left + 3) / 4;
  float* hidden = pass.hidden + stage * shape.hidden_floats;
  for (int i = threadIdx.x; i < shape.tokens * fours; i += kRouteThreads) {
    const int row = i / fours, k = i % fours * 4;
    const int token =
        smaller(pass.first_token + row, task.tokens - 1);  // past the end: a copy that is never stored
    copy_four(hidden + row * shape.tile_k + k, task.hidden + token * task.hidden_stride + first + k,
              smaller(4, left - k), whole);
  }
}

template <int kPanels>
__device__ __forceinline__ void multiply_add(float (&sums)[kRowTokens][kPanels], const float* weights,
                                             const int (&column)[kPanels],
                                             const float (&hidden)[kRowTokens]) {
#pragma unroll
  for (int p = 0; p < kPanels; ++p) {
    const float w = weights[column[p]];
#pragma unroll
    for (int r = 0; r < kRowTokens; ++r) sums[r][p] = fmaf(w, hidden[r], sums[r][p]);
  }
}

/** Adds one stage of `count` k to the sums. @param weights at k = 0 @param hidden of the first token at k = 0
 */
template <int kPanels>
__device__ __forceinline__ void multiply_stage(float (&sums)[kRowTokens][kPanels], const float* weights,
                                               int row, const int (&column)[kPanels], const float* hidden,
                                               int tile_k, int count) {
  int k = 0;
  for (; k + 4 <= count; k += 4) {
    float4 h[kRowTokens];
#pragma unroll
    for (int r = 0; r < kRowTokens; ++r) h[r] = *reinterpret_cast<const float4*>(hidden + r * tile_k + k);
    multiply_add(sums, weights + k * row, column, {h[0].x, h[1].x, h[2].x, h[3].x});
    multiply_add(sums, weights + (k + 1) * row, column, {h[0].y, h[1].y, h[2].y, h[3].y});
    multiply_add(sums, weights + (k + 2) * row, column, {h[0].z, h[1].z, h[2].z, h[3].z});
    multiply_add(sums, weights + (k + 3) * row, column, {h[0].w, h[1].w, h[2].w, h[3].w});
  }
  for (; k < count; ++k)
    multiply_add(sums, weights + k * row, column,
                 {hidden[k], hidden[tile_k + k], hidden[2 * tile_k + k], hidden[3 * tile_k + k]});
}

template <int kPanels>
__device__ __forceinline__ void gate_pass(const RouteTask& task, const RouteShape& shape,
                                          const GatePass& pass) {
  const int groups = shape.tokens / kRowTokens;
  const int row = warp_id() % groups * kRowTokens;
  const int first = warp_id() / groups * kPanels;  // of the pass's panels
  float sums[kRowTokens][kPanels];
  int column[kPanels];
#pragma unroll
  for (int p = 0; p < kPanels; ++p) {
    column[p] = smaller(first + p, pass.panels - 1) * 32 + lane_id();
#pragma unroll
    for (int r = 0; r < kRowTokens; ++r) sums[r][p] = 0.0f;
  }
  load_stage(task, shape, pass, 0, 0);
  cp_async_commit();
  int stage = 0;
  for (int k = 0; k < task.hidden_size; k += shape.tile_k) {
    const bool more = shape.tile_k < task.hidden_size - k;
    if (more) load_stage(task, shape, pass, stage ^ 1, k + shape.tile_k);
    cp_async_commit();
    cp_async_wait<1>();
    __syncthreads();
    if (first < pass.panels)
      multiply_stage(sums, pass.weights + stage * shape.weight_floats, pass.panels * 32, column,
                     pass.hidden + stage * shape.hidden_floats + row * shape.tile_k, shape.tile_k,
                     smaller(shape.tile_k, task.hidden_size - k));
    __syncthreads();
    stage ^= 1;
  }
#pragma unroll
  for (int p = 0; p < kPanels; ++p) {
    if (first + p >= pass.panels) continue;
    const int expert = pass.first_panel * 32 + column[p];
#pragma unroll
    for (int r = 0; r < kRowTokens; ++r) {
      const float sum = task.gate_bias ? sums[r][p] + task.gate_bias[expert] : sums[r][p];
      pass.logits[(row + r) * task.padded_experts + expert] = sum;
    }
  }
}

/** Logits of the block's tokens, complete for all threads on return. @param stages shared memory of
 * shape.stages bytes */
__device__ __forceinline__ void gate_gemm(const RouteTask& task, const RouteShape& shape, int first_token,
                                          float* logits, float* stages) {
  GatePass pass{};
  pass.first_token = first_token;
  pass.weights = stages;
  pass.hidden = stages + 2 * shape.weight_floats;
  pass.logits = logits;
  const int parts = kRouteWarps * kRowTokens / shape.tokens;
  for (; pass.first_panel < shape.panels; pass.first_panel += shape.pass_panels) {
    pass.panels = smaller(shape.pass_panels, shape.panels - pass.first_panel);
    const int each = (pass.panels + parts - 1) / parts;  // panels of a warp
    if (each > 2) {
      gate_pass<4>(task, shape, pass);
    } else if (each == 2) {
      gate_pass<2>(task, shape, pass);
    } else {
      gate_pass<1>(task, shape, pass);
    }
  }
  __syncthreads();
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_GATE_GEMM_HPP_
