// What the lanes of a warp do together. Sums over floats keep the order of rule_tree_sum
// (core/rules/math.hpp): 16 running sums, element i in sum i % 16, then a fixed fold; lane l of a warp, or of
// half a warp, carries running sum l.
#ifndef DYNAMICMOE_CUDA_KERNELS_WARP_HPP_
#define DYNAMICMOE_CUDA_KERNELS_WARP_HPP_

#include "core/rules.hpp"

namespace dmoe::cuda {

constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kWarp = 32;

__device__ __forceinline__ int lane_id() { return static_cast<int>(threadIdx.x) % kWarp; }
__device__ __forceinline__ int warp_id() { return static_cast<int>(threadIdx.x) / kWarp; }

__device__ __forceinline__ bool is_finite(float x) { return fabsf(x) <= 3.402823466e38f; }

/** Folds 16 running sums in each half of the warp. @return the sums in lanes 0 and 16, nothing of use in the
 * others */
__device__ __forceinline__ float fold_halves(float sum) {
#pragma unroll
  for (int width = DMOE_TREE_LANES / 2; width > 0; width /= 2) sum += __shfl_down_sync(kAllLanes, sum, width);
  return sum;
}

/** Sum of value(0), ..., value(n - 1), the same bits as rule_tree_sum, in every lane. */
template <class Value>
__device__ __forceinline__ float tree_sum(int n, Value value) {
  float sum = 0.0f;
  if (lane_id() < DMOE_TREE_LANES)
    for (int i = lane_id(); i < n; i += DMOE_TREE_LANES) sum += value(i);
  return __shfl_sync(kAllLanes, fold_halves(sum), 0);
}

/** Running sums sum = add(sum, i) instead of sum + value(i). */
template <class Add>
__device__ __forceinline__ float tree_fold(int n, Add add) {
  float sum = 0.0f;
  if (lane_id() < DMOE_TREE_LANES)
    for (int i = lane_id(); i < n; i += DMOE_TREE_LANES) sum = add(sum, i);
  return __shfl_sync(kAllLanes, fold_halves(sum), 0);
}

/** Largest of a float per lane, in every lane; +0 for either zero, no NaN. */
__device__ __forceinline__ float warp_max(float x) {
  return rule_unordered(__reduce_max_sync(kAllLanes, rule_ordered(x)));
}

/** The two largest values of a row; the second is -infinity where there is one value only. */
struct TwoLargest {
  float first, second;
};
__device__ __forceinline__ void take(TwoLargest& best, float x) {
  const float lower = x < best.first ? x : best.first;
  best.second = lower > best.second ? lower : best.second;
  best.first = x > best.first ? x : best.first;
}
__device__ __forceinline__ TwoLargest nothing_taken() { return {-__builtin_inff(), -__builtin_inff()}; }

/** The two largest of what the lanes took. */
__device__ __forceinline__ TwoLargest warp_two_largest(TwoLargest mine) {
  const unsigned ordered = rule_ordered(mine.first);
  const unsigned first = __reduce_max_sync(kAllLanes, ordered);
  const unsigned owners = __ballot_sync(kAllLanes, ordered == first);
  const bool owner = lane_id() == __ffs(static_cast<int>(owners)) - 1;
  const unsigned second = __reduce_max_sync(kAllLanes, owner ? rule_ordered(mine.second) : ordered);
  return {rule_unordered(first), rule_unordered(second)};
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_WARP_HPP_
