// activation: the experts' activations, one value at a time, operation for operation those of the CPU
// (core/simd_math.inl). Only correctly rounded operations, so a GPU gives the CPU's bits and the CPU's bounds
// hold:
//   silu               relative error <= 2^-20 where |x| < 87, absolute <= 1e-36 |x| below
//   gelu_erf, gelu_tanh  |error| <= 2^-21 |x|
#ifndef DYNAMICMOE_CUDA_KERNELS_ACTIVATION_HPP_
#define DYNAMICMOE_CUDA_KERNELS_ACTIVATION_HPP_

// The rules ask for the language.
// clang-format off
#include "kernels/device.hpp"
#include "core/rules/math.hpp"
#include "dynamicmoe/dynamicmoe.h"
// clang-format on

namespace dmoe::cuda {

/** e^x, arguments clamped to [-87, 88]; NaN stays NaN. Relative error <= 2^-22. */
__device__ __forceinline__ float exp_clamped(float x) {
  x = 88.0f < x ? 88.0f : x;
  x = -87.0f > x ? -87.0f : x;
  const float shifted = rule_fma(x, 1.44269504f, 12582912.0f);
  const float n = shifted - 12582912.0f;
  float r = rule_fma(n, -0.693359375f, x);
  r = rule_fma(n, 2.12194440e-4f, r);
  float p = rule_fma(1.392625083e-3f, r, 8.363232884e-3f);
  p = rule_fma(p, r, 4.166655421e-2f);
  p = rule_fma(p, r, 1.666657667e-1f);
  p = rule_fma(p, r, 0.5f);
  p = rule_fma(p * r, r, r);
  return (p + 1.0f) * rule_float((rule_bits(shifted) << 23) + 0x3f800000u);
}

/** x / (1 + e^-y). */
__device__ __forceinline__ float gated(float x, float y) { return x / (1.0f + exp_clamped(0.0f - y)); }

__device__ __forceinline__ float silu(float x) { return gated(x, x); }
__device__ __forceinline__ float relu(float x) { return 0.0f > x ? 0.0f : x; }
__device__ __forceinline__ float gelu_tanh(float x) {
  const float cubic = rule_fma(x * x, 0.044715f, 1.0f);
  return gated(x, x * 1.59576912f * cubic);
}
/** x Phi(x): near 0 by the odd polynomial of erf, in the tail Phi(-|x|) = e^polynomial. */
__device__ __forceinline__ float gelu_erf(float x) {
  float z = rule_float(rule_bits(x) & 0x7fffffffu) * 0.707106781f;
  z = z < 4.25f ? z : 4.25f;
  const float s = z * z;
  float e = rule_fma(7.875875063e-5f, s, -8.016864287e-4f);
  e = rule_fma(e, s, 5.189087423e-3f);
  e = rule_fma(e, s, -2.685421201e-2f);
  e = rule_fma(e, s, 1.128359472e-1f);
  e = rule_fma(e, s, -3.761262667e-1f);
  e = rule_fma(e, s, 1.128379166f);
  float t = rule_fma(1.517847257e-6f, z, -4.371806625e-5f);
  t = rule_fma(t, z, 5.772692951e-4f);
  t = rule_fma(t, z, -4.669093678e-3f);
  t = rule_fma(t, z, 2.616719202e-2f);
  t = rule_fma(t, z, -1.096389111e-1f);
  t = rule_fma(t, z, -6.322888094e-1f);
  t = rule_fma(t, z, -1.129965726f);
  t = rule_fma(t, z, -6.928924214e-1f);
  const float tail = z < 1.0f ? rule_fma(e * z, -0.5f, 0.5f) : exp_clamped(t);
  return x * (x < 0.0f ? tail : 1.0f - tail);
}

/** The activation of a kind without a gate. */
__device__ __forceinline__ float activate(int32_t kind, float x) {
  switch (kind) {
    case DMOE_EXPERT_GELU:
      return gelu_erf(x);
    case DMOE_EXPERT_GELU_TANH:
      return gelu_tanh(x);
    case DMOE_EXPERT_RELU:
      return relu(x);
    default:
      return silu(x);
  }
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_ACTIVATION_HPP_
