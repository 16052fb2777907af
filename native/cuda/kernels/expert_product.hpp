// expert_product: what the kernels of the up and the down product share: the operands of a task, and how sums
// become h or y.
#ifndef DYNAMICMOE_CUDA_KERNELS_EXPERT_PRODUCT_HPP_
#define DYNAMICMOE_CUDA_KERNELS_EXPERT_PRODUCT_HPP_

#include "kernels/activation.hpp"
#include "kernels/device.hpp"
#include "kernels/expert_walk.hpp"
#include "kernels/tasks.hpp"
#include "kernels/weights.hpp"

namespace dmoe::cuda {

/** Up: h = act(x Wup^T + b), with a gate silu(x Wgate^T + b) * (x Wup^T + b). Down: y = h Wdown^T + b;
 * LINEAR: of x. */
enum class Side { kUp, kDown };

/** One product over all experts: A [rows, k] (Element) times panels. */
template <Side S, int kFormat, class Element>
struct Product {
  __device__ __forceinline__ explicit Product(const ExpertsTask& t)
      : task(t), gathered(S == Side::kUp || t.kind == DMOE_EXPERT_LINEAR) {
    layout = expert_layout(kFormat, t.kind, t.hidden_size, t.width, t.use_bias != 0);
    k = S == Side::kUp ? t.hidden_size : t.width;
    panels = S == Side::kUp ? up_panels(t.kind, t.width) : down_panels(t.hidden_size);
    bytes_per_panel = panel_bytes(kFormat, k);
  }

  __device__ __forceinline__ const uint8_t* panel(int32_t expert, int32_t number) const {
    return task.weights + expert * task.expert_bytes + (S == Side::kUp ? 0 : layout.down) +
           number * bytes_per_panel;
  }
  /** Biases of a panel's columns, or NULL. */
  __device__ __forceinline__ const float* bias(int32_t expert, int32_t number) const {
    if (!task.use_bias) return nullptr;
    const uint8_t* at =
        task.weights + expert * task.expert_bytes + (S == Side::kUp ? layout.up_bias : layout.down_bias);
    return reinterpret_cast<const float*>(at) + int64_t{number} * kPanel;
  }
  /** The k elements of A that row `row` of h and y is made from. */
  __device__ __forceinline__ const Element* operand(int32_t expert, int64_t row) const {
    if (gathered) {
      return static_cast<const Element*>(task.input) +
             ExpertWalk::input_row(task, expert, row) * task.input_stride;
    }
    return static_cast<const Element*>(task.h) + row * task.h_stride;
  }

  const ExpertsTask& task;
  ExpertLayout layout;
  int64_t bytes_per_panel;
  int32_t k, panels;
  bool gathered;
};

__device__ __forceinline__ float biased(float sum, const float* bias, int32_t column) {
  return bias == nullptr ? sum : sum + bias[column];
}

__device__ __forceinline__ void store_hidden(uint16_t* h, float value) {
  *h = static_cast<uint16_t>(cvt_bf16x2(value, 0.0f));
}
__device__ __forceinline__ void store_hidden(float* h, float value) { *h = value; }

/** Sums in shared memory, [rows, kStride], which hold at least the columns of a panel that are to be stored.
 */
struct PanelSums {
  const float* sums;
  int32_t first_row;  // of the tile
  int32_t rows;
};

/**
 * Sums of a panel -> h or y, shared among `workers` threads. Of kParts = 2, part 0 is tiles 0 and 2 of the
 * panel (8 columns each) and part 1 the others. Rows past the tile's and columns past the matrix are not
 * stored.
 */
template <Side S, int kStride, int kParts, class Element, class Operands>
__device__ __forceinline__ void store_panel(const Operands& product, const ExpertTile& tile, int32_t panel,
                                            int32_t part, const PanelSums& from, int worker, int workers) {
  const ExpertsTask& task = product.task;
  const float* bias = product.bias(tile.expert, panel);
  const int32_t rows = min(from.rows, tile.rows - from.first_row);
  const int64_t first = tile.first_row + from.first_row;
  const bool with_gate = S == Side::kUp && task.kind == DMOE_EXPERT_SWIGLU;
  const int32_t width = with_gate ? kHalfPanel : kPanel;  // columns that a panel yields
  const int32_t end = S == Side::kUp ? task.width : task.hidden_size;
  const int32_t shift = (with_gate ? 4 : 5) - (kParts - 1);  // log2 of the columns of a part
#pragma unroll 1
  for (int32_t i = worker; i < rows << shift; i += workers) {
    const int32_t row = i >> shift, place = i & ((1 << shift) - 1);
    const int32_t c = kParts == 1 ? place : (place & 7) + part * 8 + (place >> 3) * kHalfPanel;
    const int32_t column = panel * width + c;
    if (column >= end) continue;
    const float* sum = from.sums + row * kStride + c;
    float value = biased(sum[0], bias, c);
    if constexpr (S == Side::kDown) {
      task.y[(first + row) * task.y_stride + column] = value;
    } else {
      value = with_gate ? silu(value) * biased(sum[kHalfPanel], bias, c + kHalfPanel)
                        : activate(task.kind, value);
      store_hidden(static_cast<Element*>(task.h) + (first + row) * task.h_stride + column, value);
    }
  }
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_EXPERT_PRODUCT_HPP_
