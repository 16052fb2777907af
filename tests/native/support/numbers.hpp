// Random numbers, bfloat16 and the rounding-error bounds of the kernel tests.
#ifndef DYNAMICMOE_TESTS_SUPPORT_NUMBERS_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_NUMBERS_HPP_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe::test {

/** SplitMix64: the same numbers on every machine. */
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /** About normal with mean 0 and variance 1, never 0. */
  float normal() {
    const uint64_t b = bits();
    const double sum = static_cast<double>(b & 0xffff) + static_cast<double>((b >> 16) & 0xffff) +
                       static_cast<double>((b >> 32) & 0xffff) + static_cast<double>(b >> 48);
    return static_cast<float>((sum - 131070.5) * 2.6429e-5);
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(n)); }
  std::vector<float> normals(int64_t count, float scale = 1.0f) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& v : values) v = normal() * scale;
    return values;
  }

 private:
  uint64_t state_;
};

inline uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}
inline float from_bf16(uint16_t half) {
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline float rounded(float value, bool bf16) { return bf16 ? from_bf16(to_bf16(value)) : value; }

/** Relative error bound of n roundings in a row, unit roundoff 2^-24. */
inline double gamma(int64_t n) {
  const double nu = static_cast<double>(n) * 0x1p-24;
  return nu / (1 - nu);
}

/** Bound on the error of a product of length k with a bias (ops/experts/experts.hpp); vdpbf16ps rounds once
 * more and takes subnormals as zero. */
inline double product_bound(int64_t k, double sum_of_magnitudes) {
  return gamma(k + 2) * sum_of_magnitudes + static_cast<double>(k + 1) * 0x1p-126;
}

/** The same for a format: sums of q8 and q4 round once per block (core/panel_quant.inl); two more for the
 * bias and for the reference's own product of value and scale. */
inline double product_bound(int32_t format, int64_t k, double sum_of_magnitudes) {
  const bool blocks = format == DMOE_FORMAT_Q8 || format == DMOE_FORMAT_Q4;
  if (!blocks) return product_bound(k, sum_of_magnitudes);
  return gamma((k + 31) / 32 + 3) * sum_of_magnitudes + static_cast<double>(k + 1) * 0x1p-126;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_NUMBERS_HPP_
