// exp, sigmoid and the experts' activations of core/simd_math.inl for one CUDA thread: the vector of 16 lanes
// becomes a float, the text stays the same, and with it the bits.
#ifndef DYNAMICMOE_CUDA_KERNELS_LANE_MATH_HPP_
#define DYNAMICMOE_CUDA_KERNELS_LANE_MATH_HPP_

#include <stdint.h>

#define DMOE_INLINE __device__ __forceinline__

namespace dmoe {
namespace {

using Vec = float;

DMOE_INLINE Vec set1(float x) { return x; }
DMOE_INLINE Vec zero() { return 0.0f; }
DMOE_INLINE Vec add(Vec a, Vec b) { return a + b; }
DMOE_INLINE Vec sub(Vec a, Vec b) { return a - b; }
DMOE_INLINE Vec mul(Vec a, Vec b) { return a * b; }
DMOE_INLINE Vec div(Vec a, Vec b) { return a / b; }
DMOE_INLINE Vec fma(Vec a, Vec b, Vec c) { return __builtin_fmaf(a, b, c); }
// The second operand when either is NaN, as in core/simd_*.hpp.
DMOE_INLINE Vec max(Vec a, Vec b) { return a > b ? a : b; }
DMOE_INLINE Vec min(Vec a, Vec b) { return a < b ? a : b; }
DMOE_INLINE Vec abs(Vec a) { return __builtin_fabsf(a); }
DMOE_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) { return a < b ? x : y; }
DMOE_INLINE Vec pow2_of_shifted(Vec a) {
  uint32_t bits;
  __builtin_memcpy(&bits, &a, sizeof bits);
  bits = (bits << 23) + 0x3f800000u;
  __builtin_memcpy(&a, &bits, sizeof a);
  return a;
}

}  // namespace
}  // namespace dmoe

#include "core/simd_math.inl"

#undef DMOE_INLINE

#endif  // DYNAMICMOE_CUDA_KERNELS_LANE_MATH_HPP_
