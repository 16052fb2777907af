// Models of single instructions on numbers, for the kernels' source and for the interpreter.
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_APPROXIMATE_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_APPROXIMATE_HPP_

#include <bit>
#include <cmath>
#include <cstdint>

namespace dmoe::sim {

/** Denormals to zero of the same sign (.ftz). */
inline float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

/** Turns the last bit of what is no whole number. The manual allows an approximate instruction that, and it
 * shows where a decision depends on one. */
inline float approximately(float x) {
  const bool exact = !std::isfinite(x) || x == std::rint(x);
  return exact ? x : std::bit_cast<float>(std::bit_cast<uint32_t>(x) ^ 1u);
}
inline float ex2_approx_ftz(float x) { return flushed(approximately(std::exp2(flushed(x)))); }
inline float lg2_approx_ftz(float x) { return approximately(std::log2(flushed(x))); }

/** cvt.rn.bf16.f32; NaN becomes the canonical 0x7fff. */
inline uint16_t bf16_nearest(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

}  // namespace dmoe::sim

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_APPROXIMATE_HPP_
