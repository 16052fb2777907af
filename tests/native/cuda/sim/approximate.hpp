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

/** fma.rn.bf16 on bits. Rounded once where the exact result fits a double, as it does for operands of like
 * exponents; beyond that it may be off by a last bit. */
inline uint16_t bf16_fma(unsigned a, unsigned b, unsigned c) {
  const auto value = [](unsigned half) { return static_cast<double>(std::bit_cast<float>(half << 16)); };
  const double exact = value(a) * value(b) + value(c);
  const auto nearest = static_cast<float>(exact);
  // To odd: a float that is not exact has its last bit set, so that the second rounding sees no false tie.
  const uint32_t bits = std::bit_cast<uint32_t>(nearest);
  const bool above = std::abs(static_cast<double>(nearest)) > std::abs(exact);
  if (static_cast<double>(nearest) == exact || !std::isfinite(nearest)) return bf16_nearest(nearest);
  return bf16_nearest(std::bit_cast<float>((above ? bits - 1 : bits) | 1u));
}

/** cvt.f32.f16: exact. */
inline float half_to_float(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  // Shifted into place, a half's exponent is too small by 112; the product mends that for subnormals too.
  const uint32_t bits = magnitude >= 0x7c00u
                            ? 0x7f800000u | magnitude << 13
                            : std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude << 13) * 0x1p112f);
  return std::bit_cast<float>(bits | static_cast<uint32_t>(half & 0x8000u) << 16);
}

}  // namespace dmoe::sim

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_APPROXIMATE_HPP_
