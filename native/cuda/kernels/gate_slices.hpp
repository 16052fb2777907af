// Where blocks share the experts of the same tokens: each hands its logits over in global memory, and the one that
// arrives last has them all and decides. Who that is changes nothing: a logit has one block.
#ifndef DYNAMICMOE_CUDA_KERNELS_GATE_SLICES_HPP_
#define DYNAMICMOE_CUDA_KERNELS_GATE_SLICES_HPP_

#include "kernels/launch.hpp"
#include "kernels/warp.hpp"

namespace dmoe::cuda {

/** All threads of the block. @param logits shared [shape.tokens, padded_experts], the slice's columns filled; all of them
 * on return of true @param flag shared @return whether this block is the last of those with the same tokens */
__device__ __forceinline__ bool gather_slices(const RouteTask& task, const RouteShape& shape, int first_token,
                                              int slice, float* logits, int* flag) {
  const int rows = smaller(shape.tokens, task.tokens - first_token);
  const int begin = slice * shape.slice_panels * 32;
  const int width = smaller(task.padded_experts, begin + shape.slice_panels * 32) - begin;
  // Read past the L1 cache, which knows nothing of other multiprocessors' writes.
  volatile float* all = task.sliced_logits + static_cast<int64_t>(first_token) * task.padded_experts;
  for (int i = threadIdx.x; i < rows * width; i += kRouteThreads) {
    const int at = i / width * task.padded_experts + begin + i % width;
    all[at] = logits[at];
  }
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) *flag = atomicAdd(task.arrivals + blockIdx.x, -1) == kNoFailure - (shape.slices - 1);
  __syncthreads();
  if (*flag == 0) return false;
  __threadfence();
  for (int i = threadIdx.x; i < rows * task.padded_experts; i += kRouteThreads) logits[i] = all[i];
  __syncthreads();
  return true;
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_GATE_SLICES_HPP_
