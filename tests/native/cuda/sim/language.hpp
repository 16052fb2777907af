// CUDA's language on the simulator: what kernels/clang_language.hpp is for clang. A .cu file compiles as C++
// with it.
//
// __shared__ is thread_local, which is static within a function. The kernels live in a library of their own,
// so that the library's thread-local block is the shared memory and nothing else (source_runner.cpp fills it
// before each block).
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_LANGUAGE_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_LANGUAGE_HPP_

#include <math.h>

#include <algorithm>
#include <bit>
#include <source_location>
#include <type_traits>

#include "cuda/sim/collectives.hpp"
#include "cuda/sim/engine.hpp"
#include "cuda/sim/types.hpp"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __shared__ thread_local
#define __launch_bounds__(...)
#define __forceinline__ inline
#define __align__(n) __attribute__((aligned(n)))

#define threadIdx (::dmoe::sim::running->thread)
#define blockIdx (::dmoe::sim::running->block)
#define blockDim (::dmoe::sim::running->threads)
#define gridDim (::dmoe::sim::running->blocks)

// The place of the call, for messages.
#define DMOE_SITE std::source_location site = std::source_location::current()

using std::max;
using std::min;

namespace dmoe::sim {

template <class Out, class In>
Out warp(unsigned mask, Combine combine, In in, Site site) {
  Out out{};
  collective(mask, combine, &in, &out, false, site);
  return out;
}
/** The argument of a kernel's shuffle is a whole number of bits up to 64. `clamp` as the compiler sets it for
 * full warps. */
template <class T>
T shuffle(unsigned mask, Combine combine, T value, int lane, unsigned clamp, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  const ShflIn in{std::bit_cast<Bits>(value), static_cast<unsigned>(lane), clamp};
  return std::bit_cast<T>(static_cast<Bits>(warp<ShflOut>(mask, combine, in, site).value));
}

}  // namespace dmoe::sim

inline void __syncthreads(DMOE_SITE) { dmoe::sim::barrier(0, site); }
inline int __syncthreads_or(int p, DMOE_SITE) { return dmoe::sim::barrier(p, site).any; }
inline int __syncthreads_and(int p, DMOE_SITE) { return dmoe::sim::barrier(p, site).all; }
inline int __syncthreads_count(int p, DMOE_SITE) { return dmoe::sim::barrier(p, site).count; }
inline void __syncwarp(unsigned m = 0xffffffffu, DMOE_SITE) {
  char none = 0;
  dmoe::sim::collective(m, dmoe::sim::sync_warp, &none, &none, true, site);
}
// Blocks run one after the other, so that only the compiler has to be stopped.
inline void __threadfence() { __asm__ volatile("" ::: "memory"); }
inline void __threadfence_block() { __asm__ volatile("" ::: "memory"); }

template <class T>
T __shfl_sync(unsigned m, T v, int lane, DMOE_SITE) {
  return dmoe::sim::shuffle(m, dmoe::sim::shfl_idx, v, lane, 0x1f, site);
}
template <class T>
T __shfl_xor_sync(unsigned m, T v, int lanes, DMOE_SITE) {
  return dmoe::sim::shuffle(m, dmoe::sim::shfl_bfly, v, lanes, 0x1f, site);
}
template <class T>
T __shfl_up_sync(unsigned m, T v, int lanes, DMOE_SITE) {
  return dmoe::sim::shuffle(m, dmoe::sim::shfl_up, v, lanes, 0, site);
}
template <class T>
T __shfl_down_sync(unsigned m, T v, int lanes, DMOE_SITE) {
  return dmoe::sim::shuffle(m, dmoe::sim::shfl_down, v, lanes, 0x1f, site);
}
inline unsigned __ballot_sync(unsigned m, int p, DMOE_SITE) {
  return dmoe::sim::warp<unsigned>(m, dmoe::sim::ballot, p, site);
}
inline int __any_sync(unsigned m, int p, DMOE_SITE) { return __ballot_sync(m, p, site) != 0; }
inline int __all_sync(unsigned m, int p, DMOE_SITE) { return __ballot_sync(m, p, site) == m; }
template <class T>
unsigned __match_any_sync(unsigned m, T v, DMOE_SITE) {
  static_assert(std::is_integral_v<T>);
  return dmoe::sim::warp<unsigned>(m, dmoe::sim::match_any, uint64_t{std::make_unsigned_t<T>(v)}, site);
}
inline unsigned __activemask() = delete;  // what it gives depends on the schedule

#define DMOE_REDUCE(name, type, combine) \
  inline type name(unsigned m, type v, DMOE_SITE) { return dmoe::sim::warp<type>(m, combine, v, site); }
DMOE_REDUCE(__reduce_add_sync, int, dmoe::sim::reduce_add)
DMOE_REDUCE(__reduce_add_sync, unsigned, dmoe::sim::reduce_add)
DMOE_REDUCE(__reduce_min_sync, int, dmoe::sim::reduce_min_signed)
DMOE_REDUCE(__reduce_min_sync, unsigned, dmoe::sim::reduce_min_unsigned)
DMOE_REDUCE(__reduce_max_sync, int, dmoe::sim::reduce_max_signed)
DMOE_REDUCE(__reduce_max_sync, unsigned, dmoe::sim::reduce_max_unsigned)
DMOE_REDUCE(__reduce_and_sync, unsigned, dmoe::sim::reduce_and)
DMOE_REDUCE(__reduce_or_sync, unsigned, dmoe::sim::reduce_or)
DMOE_REDUCE(__reduce_xor_sync, unsigned, dmoe::sim::reduce_xor)
#undef DMOE_REDUCE

// Atomics of whole numbers. There are none of floats: their order would decide results.
template <class T>
T atomicAdd(T* p, std::type_identity_t<T> v) {
  static_assert(std::is_integral_v<T>);
  return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}
template <class T>
T atomicOr(T* p, std::type_identity_t<T> v) {
  static_assert(std::is_integral_v<T>);
  return __atomic_fetch_or(p, v, __ATOMIC_RELAXED);
}
template <class T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> v) {
  static_assert(std::is_integral_v<T>);
  __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
template <class T>
T atomicMin(T* p, std::type_identity_t<T> v) {
  static_assert(std::is_integral_v<T>);
  T old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (v < old && !__atomic_compare_exchange_n(p, &old, v, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}
template <class T>
T atomicMax(T* p, std::type_identity_t<T> v) {
  static_assert(std::is_integral_v<T>);
  T old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (old < v && !__atomic_compare_exchange_n(p, &old, v, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}

inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(static_cast<unsigned>(v)); }
inline int __clzll(long long v) { return v == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(v)); }
inline int __float_as_int(float v) { return std::bit_cast<int>(v); }
inline unsigned __float_as_uint(float v) { return std::bit_cast<unsigned>(v); }
inline float __int_as_float(int v) { return std::bit_cast<float>(v); }
inline float __uint_as_float(unsigned v) { return std::bit_cast<float>(v); }
template <class T>
T __ldg(const T* p) {
  return *p;
}

inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_LANGUAGE_HPP_
