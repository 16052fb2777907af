// expert_floats: rows of float operands on their way to shared memory, for experts_f32.cu and
// experts_small.cu.
#ifndef DYNAMICMOE_CUDA_KERNELS_EXPERT_FLOATS_HPP_
#define DYNAMICMOE_CUDA_KERNELS_EXPERT_FLOATS_HPP_

#include "kernels/expert_product.hpp"

namespace dmoe::cuda {

constexpr int kFloatSlotK = 16;  // k of a slot of shared memory

/** One row of A. */
struct FloatRow {
  const float* elements;  // NULL = zeros
  bool aligned;           // to 16 bytes
};

template <class Operands>
__device__ __forceinline__ FloatRow float_row(const Operands& product, const ExpertTile& tile, int32_t row) {
  FloatRow from{nullptr, true};
  if (row >= tile.rows) return from;
  from.elements = product.operand(tile.expert, tile.first_row + row);
  from.aligned = reinterpret_cast<uint64_t>(from.elements) % 16 == 0;
  return from;
}

/** Elements first .. first + 3 of a row of k to 16 bytes of shared memory, zeros past the end: at once, or,
 * where the row is aligned, as a part of the thread's group of asynchronous copies. */
__device__ __forceinline__ void copy_floats(const FloatRow& from, int32_t first, int32_t k,
                                            unsigned char* shared) {
  const bool some = from.elements != nullptr && first < k;
  if (some && from.aligned) {
    cp_async16(shared, from.elements + first, min(4, k - first) * 4);
    return;
  }
  float value[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (some && first + i < k) value[i] = from.elements[first + i];
  *reinterpret_cast<float4*>(shared) = float4{value[0], value[1], value[2], value[3]};
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_EXPERT_FLOATS_HPP_
