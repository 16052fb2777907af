// The router's product in float32: logits of a block's tokens, kept in shared memory.
//
// Every logit has one accumulator, which starts at 0 and takes fma(w[k], h[k], sum) with k ascending, then
// the bias: the order of ops/logits, hence the same bits, whatever the batch. |l - exact| <= (D + 1) 2^-24
// (sum |h w| + |b|) (1 + small).
//
// A warp computes 4 tokens (or 1) x kPanels * 32 experts, lane l the experts l, l + 32, ...: a weight is read
// once per lane and serves all its tokens, a hidden value is read by all lanes at once. Tiles of weights [k,
// experts] and hidden [token, k] come through three stages of shared memory: two are under way by cp.async
// while one is used, so that one barrier per stage suffices.
#ifndef DYNAMICMOE_CUDA_KERNELS_GATE_GEMM_HPP_
#define DYNAMICMOE_CUDA_KERNELS_GATE_GEMM_HPP_

#include "kernels/launch.hpp"
#include "kernels/warp.hpp"

namespace dmoe::cuda {

/** One pass over k: panels [first_panel, first_panel + panels) for the block's tokens. */
struct GatePass {
  int32_t first_token, first_panel, panels;
  float* weights;  // stages of [tile_k, panels * 32]
  float* hidden;   // stages of [tokens, tile_k]
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
    // Past the end: a copy that is never stored.
    const int token = pass.first_token + smaller(row, task.tokens - 1 - pass.first_token);
    copy_four(hidden + row * shape.tile_k + k, task.hidden + token * task.hidden_stride + first + k,
              smaller(4, left - k), whole);
  }
}

/** The sums of a warp: tokens x panels. */
template <int kRows, int kPanels>
struct GateSums {
  float value[kRows][kPanels];
  int column[kPanels];  // of the lane in the pass's panels

  __device__ __forceinline__ void add(const float* weights, const float (&hidden)[kRows]) {
#pragma unroll
    for (int p = 0; p < kPanels; ++p) {
      const float w = weights[column[p]];
#pragma unroll
      for (int r = 0; r < kRows; ++r) value[r][p] = fmaf(w, hidden[r], value[r][p]);
    }
  }

  /** Adds one stage of `count` k. @param weights at k = 0 @param stride of weights @param hidden of the first
   * token at k = 0 */
  __device__ __forceinline__ void add_stage(const float* weights, int stride, const float* hidden, int tile_k,
                                            int count) {
    int k = 0;
    for (; k + 4 <= count; k += 4) {
      float by_k[4][kRows];
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const float4 four = *reinterpret_cast<const float4*>(hidden + r * tile_k + k);
        by_k[0][r] = four.x, by_k[1][r] = four.y, by_k[2][r] = four.z, by_k[3][r] = four.w;
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) add(weights + (k + i) * stride, by_k[i]);
    }
    for (; k < count; ++k) {
      float one[kRows];
#pragma unroll
      for (int r = 0; r < kRows; ++r) one[r] = hidden[r * tile_k + k];
      add(weights + k * stride, one);
    }
  }
};

template <int kRows, int kPanels>
__device__ __forceinline__ void gate_pass(const RouteTask& task, const RouteShape& shape,
                                          const GatePass& pass) {
  const int groups = shape.tokens / kRows;
  const int row = warp_id() % groups * kRows;
  const int first = warp_id() / groups * kPanels;  // of the pass's panels
  GateSums<kRows, kPanels> sums;
#pragma unroll
  for (int p = 0; p < kPanels; ++p) {
    sums.column[p] = smaller(first + p, pass.panels - 1) * 32 + lane_id();
#pragma unroll
    for (int r = 0; r < kRows; ++r) sums.value[r][p] = 0.0f;
  }
  const int stages = ceil_div(task.hidden_size, shape.tile_k);
#pragma unroll
  for (int s = 0; s < kRouteStages - 1; ++s) {
    if (s < stages) load_stage(task, shape, pass, s, s * shape.tile_k);
    cp_async_commit();
  }
  int used = 0, filled = kRouteStages - 1;  // stages of shared memory
  for (int s = 0; s < stages; ++s) {
    cp_async_wait<kRouteStages - 2>();
    __syncthreads();  // stage s is there for all, and all are done with the one before it
    if (s + kRouteStages - 1 < stages)
      load_stage(task, shape, pass, filled, (s + kRouteStages - 1) * shape.tile_k);
    cp_async_commit();
    if (first < pass.panels)
      sums.add_stage(pass.weights + used * shape.weight_floats, pass.panels * 32,
                     pass.hidden + used * shape.hidden_floats + row * shape.tile_k, shape.tile_k,
                     smaller(shape.tile_k, task.hidden_size - s * shape.tile_k));
    used = used + 1 < kRouteStages ? used + 1 : 0;
    filled = filled + 1 < kRouteStages ? filled + 1 : 0;
  }
#pragma unroll
  for (int p = 0; p < kPanels; ++p) {
    if (first + p >= pass.panels) continue;
    const int expert = pass.first_panel * 32 + sums.column[p];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      float sum = sums.value[r][p];
      if (task.gate_bias) sum += task.gate_bias[expert];
      pass.logits[(row + r) * task.padded_experts + expert] = sum;
    }
  }
  __syncthreads();  // all are done with the stages
}

/** Logits of the block's tokens and of its slice's experts, complete for all threads on return. @param stages shared
 * memory of shape.stages bytes */
__device__ __forceinline__ void gate_gemm(const RouteTask& task, const RouteShape& shape, int first_token,
                                          int slice, float* logits, float* stages) {
  GatePass pass{};
  pass.first_token = first_token;
  pass.weights = stages;
  pass.hidden = stages + kRouteStages * shape.weight_floats;
  pass.logits = logits;
  const int parts = kRouteWarps * shape.rows / shape.tokens;
  pass.first_panel = slice * shape.slice_panels;
  const int end = smaller(shape.panels, pass.first_panel + shape.slice_panels);
  for (; pass.first_panel < end; pass.first_panel += shape.pass_panels) {
    pass.panels = smaller(shape.pass_panels, end - pass.first_panel);
    const int each = (pass.panels + parts - 1) / parts;  // panels of a warp
    if (shape.rows == 1) {
      gate_pass<1, 1>(task, shape, pass);
    } else if (each > 2) {
      gate_pass<4, 4>(task, shape, pass);
    } else if (each == 2) {
      gate_pass<4, 2>(task, shape, pass);
    } else {
      gate_pass<4, 1>(task, shape, pass);
    }
  }
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_GATE_GEMM_HPP_
