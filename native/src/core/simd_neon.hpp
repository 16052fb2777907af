// simd / NEON: the 16-lane vector as four float32x4_t. Meaning of each name: simd_scalar.hpp.
//
// Armv8.0 only, without the extensions for dot products, half precision and bfloat16: every AArch64 processor
// runs it.
#ifndef DYNAMICMOE_CORE_SIMD_NEON_HPP_
#define DYNAMICMOE_CORE_SIMD_NEON_HPP_

#include <arm_neon.h>
#include <stdint.h>

#define DMOE_INLINE inline __attribute__((always_inline))

namespace dmoe {
namespace {

struct Vec {
  float32x4_t q0, q1, q2, q3;
};

// 2 rows x 1 panel = 16 registers of sums; with 8 of weights and 2 of a broadcast operand they fit 32. One
// row has 8, as many as two pipes of latency 4 keep busy.
constexpr int kTileAccumulators = 4;

// Asks for a line of the second-level cache; any address will do.
DMOE_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }
DMOE_INLINE Vec set1(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x), vdupq_n_f32(x)}; }
DMOE_INLINE Vec zero() { return set1(0.0f); }
DMOE_INLINE Vec load(const float* p) {
  return {vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
// The lanes below n of four; n <= 0 gives zeros, n >= 4 all.
DMOE_INLINE float32x4_t load_some(const float* p, int n) {
  if (n >= 4) return vld1q_f32(p);
  float32x4_t r = vdupq_n_f32(0.0f);
  if (n > 0) r = vld1q_lane_f32(p, r, 0);
  if (n > 1) r = vld1q_lane_f32(p + 1, r, 1);
  if (n > 2) r = vld1q_lane_f32(p + 2, r, 2);
  return r;
}
DMOE_INLINE Vec load_partial(const float* p, int n) {
  return {load_some(p, n), load_some(p + 4, n - 4), load_some(p + 8, n - 8), load_some(p + 12, n - 12)};
}
DMOE_INLINE void store(float* p, Vec a) {
  vst1q_f32(p, a.q0);
  vst1q_f32(p + 4, a.q1);
  vst1q_f32(p + 8, a.q2);
  vst1q_f32(p + 12, a.q3);
}
DMOE_INLINE void store_some(float* p, float32x4_t a, int n) {
  if (n >= 4) return vst1q_f32(p, a);
  if (n > 0) vst1q_lane_f32(p, a, 0);
  if (n > 1) vst1q_lane_f32(p + 1, a, 1);
  if (n > 2) vst1q_lane_f32(p + 2, a, 2);
}
DMOE_INLINE void store_partial(float* p, Vec a, int n) {
  store_some(p, a.q0, n);
  store_some(p + 4, a.q1, n - 4);
  store_some(p + 8, a.q2, n - 8);
  store_some(p + 12, a.q3, n - 12);
}
DMOE_INLINE Vec add(Vec a, Vec b) {
  return {vaddq_f32(a.q0, b.q0), vaddq_f32(a.q1, b.q1), vaddq_f32(a.q2, b.q2), vaddq_f32(a.q3, b.q3)};
}
DMOE_INLINE Vec sub(Vec a, Vec b) {
  return {vsubq_f32(a.q0, b.q0), vsubq_f32(a.q1, b.q1), vsubq_f32(a.q2, b.q2), vsubq_f32(a.q3, b.q3)};
}
DMOE_INLINE Vec mul(Vec a, Vec b) {
  return {vmulq_f32(a.q0, b.q0), vmulq_f32(a.q1, b.q1), vmulq_f32(a.q2, b.q2), vmulq_f32(a.q3, b.q3)};
}
DMOE_INLINE Vec div(Vec a, Vec b) {
  return {vdivq_f32(a.q0, b.q0), vdivq_f32(a.q1, b.q1), vdivq_f32(a.q2, b.q2), vdivq_f32(a.q3, b.q3)};
}
DMOE_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return {vfmaq_f32(c.q0, a.q0, b.q0), vfmaq_f32(c.q1, a.q1, b.q1), vfmaq_f32(c.q2, a.q2, b.q2),
          vfmaq_f32(c.q3, a.q3, b.q3)};
}
DMOE_INLINE float32x4_t select_less4(float32x4_t a, float32x4_t b, float32x4_t x, float32x4_t y) {
  return vbslq_f32(vcltq_f32(a, b), x, y);
}
DMOE_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) {
  return {select_less4(a.q0, b.q0, x.q0, y.q0), select_less4(a.q1, b.q1, x.q1, y.q1),
          select_less4(a.q2, b.q2, x.q2, y.q2), select_less4(a.q3, b.q3, x.q3, y.q3)};
}
// fmax and fmin would give NaN where the other levels give b, and tell -0 from +0.
DMOE_INLINE Vec max(Vec a, Vec b) { return select_less(b, a, a, b); }
DMOE_INLINE Vec min(Vec a, Vec b) { return select_less(a, b, a, b); }
DMOE_INLINE Vec abs(Vec a) { return {vabsq_f32(a.q0), vabsq_f32(a.q1), vabsq_f32(a.q2), vabsq_f32(a.q3)}; }
DMOE_INLINE float32x4_t pow2_of_shifted4(float32x4_t a) {
  const uint32x4_t shifted = vshlq_n_u32(vreinterpretq_u32_f32(a), 23);
  return vreinterpretq_f32_u32(vaddq_u32(shifted, vdupq_n_u32(0x3f800000u)));
}
DMOE_INLINE Vec pow2_of_shifted(Vec a) {
  return {pow2_of_shifted4(a.q0), pow2_of_shifted4(a.q1), pow2_of_shifted4(a.q2), pow2_of_shifted4(a.q3)};
}
DMOE_INLINE float sum_tree(Vec a) {
  const float32x4_t q = vaddq_f32(vaddq_f32(a.q0, a.q2), vaddq_f32(a.q1, a.q3));
  const float32x2_t d = vadd_f32(vget_low_f32(q), vget_high_f32(q));
  return vget_lane_f32(d, 0) + vget_lane_f32(d, 1);
}
DMOE_INLINE float max_tree(Vec a) {
  const float32x4_t h0 = select_less4(a.q2, a.q0, a.q0, a.q2);
  const float32x4_t h1 = select_less4(a.q3, a.q1, a.q1, a.q3);
  const float32x4_t q = select_less4(h1, h0, h0, h1);
  const float32x2_t low = vget_low_f32(q), high = vget_high_f32(q);
  const float32x2_t d = vbsl_f32(vclt_f32(high, low), low, high);
  const float first = vget_lane_f32(d, 0), second = vget_lane_f32(d, 1);
  return first > second ? first : second;
}
// The bfloat16 bits of 4 lanes.
DMOE_INLINE uint16x4_t bf16_words(float32x4_t a) {
  const uint32x4_t bits = vreinterpretq_u32_f32(a);
  const uint32x4_t cut = vminq_u32(vandq_u32(bits, vdupq_n_u32(0x7fffffffu)), vdupq_n_u32(0x7fc00000u));
  const uint32x4_t u = vorrq_u32(vandq_u32(bits, vdupq_n_u32(0x80000000u)), cut);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(u, 16), vdupq_n_u32(1));
  return vshrn_n_u32(vaddq_u32(vaddq_u32(u, vdupq_n_u32(0x7fff)), odd), 16);
}
DMOE_INLINE void store_bf16(uint16_t* p, Vec a) {
  vst1q_u16(p, vcombine_u16(bf16_words(a.q0), bf16_words(a.q1)));
  vst1q_u16(p + 8, vcombine_u16(bf16_words(a.q2), bf16_words(a.q3)));
}

struct PairVec {
  Vec even, odd;
};
DMOE_INLINE float32x4_t even_of(uint16x8_t words) {
  return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u16(words), 16));
}
DMOE_INLINE float32x4_t odd_of(uint16x8_t words) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u16(words), vdupq_n_u32(0xffff0000u)));
}
DMOE_INLINE PairVec load_pairs(const uint16_t* p) {
  const uint16x8_t w0 = vld1q_u16(p), w1 = vld1q_u16(p + 8), w2 = vld1q_u16(p + 16), w3 = vld1q_u16(p + 24);
  return {{even_of(w0), even_of(w1), even_of(w2), even_of(w3)},
          {odd_of(w0), odd_of(w1), odd_of(w2), odd_of(w3)}};
}
DMOE_INLINE PairVec broadcast_pair(const uint16_t* p) {
  uint32_t word;
  __builtin_memcpy(&word, p, 4);
  const uint16x8_t w = vreinterpretq_u16_u32(vdupq_n_u32(word));
  return {{even_of(w), even_of(w), even_of(w), even_of(w)}, {odd_of(w), odd_of(w), odd_of(w), odd_of(w)}};
}
DMOE_INLINE Vec dot_pairs(PairVec w, PairVec x, Vec acc) {
  return fma(w.odd, x.odd, fma(w.even, x.even, acc));
}

}  // namespace
}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_SIMD_NEON_HPP_
