// CUDA for clang without a toolkit (-nocudainc -nocudalib): keywords and the builtins that the kernels use, over clang's own
// NVPTX builtins. Only what is used.
#ifndef DYNAMICMOE_CUDA_KERNELS_CLANG_LANGUAGE_HPP_
#define DYNAMICMOE_CUDA_KERNELS_CLANG_LANGUAGE_HPP_

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
};
struct __align__(8) float2 {
  float x, y;
};
struct __align__(16) float4 {
  float x, y, z, w;
};
struct __align__(8) uint2 {
  unsigned x, y;
};
struct __align__(16) uint4 {
  unsigned x, y, z, w;
};
#include <__clang_cuda_builtin_vars.h>  // threadIdx, blockIdx, blockDim, gridDim

#define DMOE_BUILTIN static __device__ __forceinline__
// __syncthreads() is a builtin already.
DMOE_BUILTIN int __syncthreads_or(int p) { return __nvvm_bar0_or(p); }
DMOE_BUILTIN void __syncwarp(unsigned m = 0xffffffffu) { __nvvm_bar_warp_sync(m); }
DMOE_BUILTIN void __threadfence() { __nvvm_membar_gl(); }
DMOE_BUILTIN int __shfl_xor_sync(unsigned m, int v, int l) {
  return __nvvm_shfl_sync_bfly_i32(m, v, l, 0x1f);
}
DMOE_BUILTIN int __shfl_sync(unsigned m, int v, int l) { return __nvvm_shfl_sync_idx_i32(m, v, l, 0x1f); }
DMOE_BUILTIN int __shfl_up_sync(unsigned m, int v, int l) { return __nvvm_shfl_sync_up_i32(m, v, l, 0); }
DMOE_BUILTIN int __shfl_down_sync(unsigned m, int v, int l) {
  return __nvvm_shfl_sync_down_i32(m, v, l, 0x1f);
}
DMOE_BUILTIN float __shfl_xor_sync(unsigned m, float v, int l) {
  return __nvvm_shfl_sync_bfly_f32(m, v, l, 0x1f);
}
DMOE_BUILTIN float __shfl_sync(unsigned m, float v, int l) { return __nvvm_shfl_sync_idx_f32(m, v, l, 0x1f); }
DMOE_BUILTIN float __shfl_down_sync(unsigned m, float v, int l) {
  return __nvvm_shfl_sync_down_f32(m, v, l, 0x1f);
}
DMOE_BUILTIN unsigned __ballot_sync(unsigned m, int p) { return __nvvm_vote_ballot_sync(m, p); }
DMOE_BUILTIN int __any_sync(unsigned m, int p) { return __nvvm_vote_any_sync(m, p); }
DMOE_BUILTIN unsigned __match_any_sync(unsigned m, unsigned v) { return __nvvm_match_any_sync_i32(m, v); }
DMOE_BUILTIN int __reduce_add_sync(unsigned m, int v) { return __nvvm_redux_sync_add(v, m); }
DMOE_BUILTIN unsigned __reduce_max_sync(unsigned m, unsigned v) { return __nvvm_redux_sync_umax(v, m); }
DMOE_BUILTIN unsigned __reduce_min_sync(unsigned m, unsigned v) { return __nvvm_redux_sync_umin(v, m); }
DMOE_BUILTIN int atomicAdd(int* p, int v) { return __nvvm_atom_add_gen_i(p, v); }
DMOE_BUILTIN int atomicMin(int* p, int v) { return __nvvm_atom_min_gen_i(p, v); }
DMOE_BUILTIN int __popc(unsigned v) { return __builtin_popcount(v); }
DMOE_BUILTIN int __ffs(int v) { return __builtin_ffs(v); }
DMOE_BUILTIN float fmaxf(float a, float b) { return __builtin_fmaxf(a, b); }
DMOE_BUILTIN float fminf(float a, float b) { return __builtin_fminf(a, b); }
DMOE_BUILTIN float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
DMOE_BUILTIN float sqrtf(float a) { return __builtin_sqrtf(a); }
DMOE_BUILTIN float fabsf(float a) { return __builtin_fabsf(a); }
DMOE_BUILTIN int __float_as_int(float a) { return __builtin_bit_cast(int, a); }
DMOE_BUILTIN float __int_as_float(int a) { return __builtin_bit_cast(float, a); }
#undef DMOE_BUILTIN
template <class T>
static __device__ __forceinline__ T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
static __device__ __forceinline__ T max(T a, T b) {
  return a < b ? b : a;
}

#endif  // DYNAMICMOE_CUDA_KERNELS_CLANG_LANGUAGE_HPP_
