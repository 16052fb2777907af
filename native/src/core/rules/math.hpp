// Elementary functions of the routing rules, in float32 fused multiply-adds and exact steps only, so that
// every compiler and processor returns the same bits. Branch-free, so that loops over them become vector
// code.
#ifndef DYNAMICMOE_CORE_RULES_MATH_HPP_
#define DYNAMICMOE_CORE_RULES_MATH_HPP_

#include <stdint.h>

#if defined(__CUDACC__) || defined(__CUDA__)
#define DMOE_RULE __host__ __device__ static inline
#else
#define DMOE_RULE static inline __attribute__((always_inline, unused))
#endif

/** Lanes of a tree sum: element i belongs to lane i % 16. */
#define DMOE_TREE_LANES 16

namespace dmoe {

DMOE_RULE uint32_t rule_bits(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

DMOE_RULE float rule_float(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

DMOE_RULE float rule_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

/** e^x within 1.1 ulp where the result is normal (rules_math_test). x <= -104 gives 0, x >= 89 gives
 * +infinity, NaN gives NaN; between -104 and -87.3 the result is denormal. */
DMOE_RULE float rule_exp(float x) {
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  // n = x / ln 2 to nearest: adding 1.5 * 2^23 leaves the integer in the low bits.
  const float shifted = rule_fma(x, 1.44269504f, 12582912.0f);
  const int32_t n = (int32_t)(rule_bits(shifted) - 0x4b400000u);
  const float rounded = shifted - 12582912.0f;
  // ln 2 in two parts; the first has trailing zeros, so that the product with n is exact.
  float r = rule_fma(rounded, -0.693145752f, x);
  r = rule_fma(rounded, -1.42860677e-6f, r);
  // Taylor to degree 7: remainder below 0.3466^8 / 8! = 5.2e-9.
  float p = rule_fma(r, 1.98412698e-4f, 1.38888889e-3f);
  p = rule_fma(p, r, 8.33333333e-3f);
  p = rule_fma(p, r, 4.16666667e-2f);
  p = rule_fma(p, r, 1.66666667e-1f);
  p = rule_fma(p, r, 0.5f);
  p = rule_fma(p * r, r, r) + 1.0f;
  // 2^n in two factors: one alone would overflow or underflow at the ends of the range.
  const int32_t half = n >> 1;
  const float low = rule_float((uint32_t)(half + 127) << 23);
  const float high = rule_float((uint32_t)(n - half + 127) << 23);
  return p * low * high;
}

/** ln x for normal x > 0 within 2 ulp. Not for denormals and 0. */
DMOE_RULE float rule_log(float x) {
  // x = m 2^n with m in [sqrt 1/2, sqrt 2).
  const uint32_t bits = rule_bits(x);
  const uint32_t shifted = bits - 0x3f3504f3u;
  const int32_t n = (int32_t)shifted >> 23;
  const float m = rule_float((shifted & 0x007fffffu) + 0x3f3504f3u);
  // ln m = 2 artanh(s), s = (m-1)/(m+1), |s| < 0.172: terms beyond s^9 are below 2 * 0.172^11 / 11 = 7e-10.
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;
  float p = rule_fma(z, 1.11111111e-1f, 1.42857143e-1f);
  p = rule_fma(p, z, 2.0e-1f);
  p = rule_fma(p, z, 3.33333333e-1f);
  const float log_m = rule_fma(2.0f * s * z, p, 2.0f * s);
  return rule_fma((float)n, 0.693145752f, rule_fma((float)n, 1.42860677e-6f, log_m));
}

/** ln(1 + e) for e in [0, 1] within 2 ulp: 2 artanh(e / (2 + e)), whose argument is at most 1/3; the terms
 * beyond the 17th power are below 2 * 3^-19 / 19 = 9e-11. */
DMOE_RULE float rule_log1p_unit(float e) {
  const float s = e / (2.0f + e);
  const float z = s * s;
  float p = rule_fma(z, 5.88235294e-2f, 6.66666667e-2f);
  p = rule_fma(p, z, 7.69230769e-2f);
  p = rule_fma(p, z, 9.09090909e-2f);
  p = rule_fma(p, z, 1.11111111e-1f);
  p = rule_fma(p, z, 1.42857143e-1f);
  p = rule_fma(p, z, 2.0e-1f);
  p = rule_fma(p, z, 3.33333333e-1f);
  return rule_fma(2.0f * s * z, p, 2.0f * s);
}

/** 1 / (1 + e^-x) within 2.5 ulp, without overflow on either side. */
DMOE_RULE float rule_sigmoid(float x) {
  const float e = rule_exp(x < 0.0f ? x : -x);
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/** ln sigmoid(x) = min(x, 0) - ln(1 + e^-|x|). */
DMOE_RULE float rule_log_sigmoid(float x) {
  const float e = rule_exp(x < 0.0f ? x : -x);
  return (x < 0.0f ? x : 0.0f) - rule_log1p_unit(e);
}

/** Folds 16 lanes to their sum in a fixed order. */
DMOE_RULE float rule_tree_fold(float* lanes) {
  for (int width = DMOE_TREE_LANES / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  return lanes[0];
}

/** Sum of n values: 16 running sums, element i in lane i % 16, then folded. Error <= (n / 16 + 4) 2^-24 sum
 * |x|. */
DMOE_RULE float rule_tree_sum(const float* x, int64_t n) {
  float lanes[DMOE_TREE_LANES] = {0.0f};
  int64_t i = 0;
  for (; i + DMOE_TREE_LANES <= n; i += DMOE_TREE_LANES)
    for (int j = 0; j < DMOE_TREE_LANES; ++j) lanes[j] += x[i + j];
  for (int j = 0; i + j < n; ++j) lanes[j] += x[i + j];
  return rule_tree_fold(lanes);
}

/** Largest of n >= 1 values. Exact in any order, so its lanes are free to differ from the tree sum's. */
DMOE_RULE float rule_row_max(const float* x, int32_t n) {
  float lanes[DMOE_TREE_LANES];
  for (int j = 0; j < DMOE_TREE_LANES; ++j) lanes[j] = x[0];
  int32_t i = 0;
  for (; i + DMOE_TREE_LANES <= n; i += DMOE_TREE_LANES)
    for (int j = 0; j < DMOE_TREE_LANES; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  for (int j = 0; i + j < n; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  float best = lanes[0];
  for (int j = 1; j < DMOE_TREE_LANES; ++j) best = lanes[j] > best ? lanes[j] : best;
  return best;
}

/** Gate of one row, unnormalised: mass = e^(l - max l). @return total; p = mass / total */
DMOE_RULE float rule_softmax_mass(const float* __restrict l, int32_t n, float* __restrict mass) {
  const float best = rule_row_max(l, n);
  for (int32_t e = 0; e < n; ++e) mass[e] = rule_exp(l[e] - best);
  return rule_tree_sum(mass, n);
}

/** Gate of one row: mass = p = sigmoid(l). @return total */
DMOE_RULE float rule_sigmoid_mass(const float* __restrict l, int32_t n, float* __restrict mass) {
  for (int32_t e = 0; e < n; ++e) mass[e] = rule_sigmoid(l[e]);
  return rule_tree_sum(mass, n);
}

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_RULES_MATH_HPP_
