// simd / AVX2 + FMA: the 16-lane vector as two __m256. Meaning of each name: simd_scalar.hpp.
#ifndef DYNAMICMOE_CORE_SIMD_AVX2_HPP_
#define DYNAMICMOE_CORE_SIMD_AVX2_HPP_

#include <immintrin.h>
#include <stdint.h>

#define DMOE_INLINE inline __attribute__((always_inline))

namespace dmoe {
namespace {

struct Vec {
  __m256 lo, hi;
};

// 3 rows x 1 panel = 12 ymm accumulators; with 4 weight and 1 broadcast operand they fit 16 registers.
constexpr int kTileAccumulators = 6;

// Asks for a line of the second-level cache; any address will do.
DMOE_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }
DMOE_INLINE Vec set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
DMOE_INLINE Vec zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
DMOE_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
DMOE_INLINE __m256i lane_mask(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
DMOE_INLINE Vec load_partial(const float* p, int n) {
  if (n <= 8) return {_mm256_maskload_ps(p, lane_mask(n)), _mm256_setzero_ps()};
  return {_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, lane_mask(n - 8))};
}
DMOE_INLINE void store(float* p, Vec a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
DMOE_INLINE void store_partial(float* p, Vec a, int n) {
  if (n <= 8) {
    _mm256_maskstore_ps(p, lane_mask(n), a.lo);
  } else {
    _mm256_storeu_ps(p, a.lo);
    _mm256_maskstore_ps(p + 8, lane_mask(n - 8), a.hi);
  }
}
DMOE_INLINE Vec add(Vec a, Vec b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
DMOE_INLINE Vec sub(Vec a, Vec b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
DMOE_INLINE Vec mul(Vec a, Vec b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
DMOE_INLINE Vec div(Vec a, Vec b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
DMOE_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
DMOE_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
DMOE_INLINE Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
DMOE_INLINE Vec abs(Vec a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
DMOE_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) {
  return {_mm256_blendv_ps(y.lo, x.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
          _mm256_blendv_ps(y.hi, x.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
}
DMOE_INLINE __m256 pow2_of_shifted8(__m256 a) {
  const __m256i shifted = _mm256_slli_epi32(_mm256_castps_si256(a), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(shifted, _mm256_set1_epi32(0x3f800000)));
}
DMOE_INLINE Vec pow2_of_shifted(Vec a) { return {pow2_of_shifted8(a.lo), pow2_of_shifted8(a.hi)}; }
DMOE_INLINE float sum_tree(Vec a) {
  const __m256 h = _mm256_add_ps(a.lo, a.hi);
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
DMOE_INLINE float max_tree(Vec a) {
  const __m256 h = _mm256_max_ps(a.lo, a.hi);
  __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}
// The bfloat16 bits in the low halves of 8 words.
DMOE_INLINE __m256i bf16_words(__m256 a) {
  const __m256i bits = _mm256_castps_si256(a);
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(INT32_MAX));
  const __m256i cut = _mm256_min_epu32(magnitude, _mm256_set1_epi32(0x7fc00000));
  const __m256i u = _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(INT32_MIN)), cut);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  return _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd), 16);
}
DMOE_INLINE void store_bf16(uint16_t* p, Vec a) {
  // packus interleaves the two inputs by 128-bit halves; the permutation puts the quarters back in order.
  const __m256i packed = _mm256_packus_epi32(bf16_words(a.lo), bf16_words(a.hi));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xd8));
}

struct PairVec {
  Vec even, odd;
};
DMOE_INLINE PairVec pairs_of_words(__m256i lo, __m256i hi) {
  const __m256i high = _mm256_set1_epi32(static_cast<int32_t>(0xffff0000u));
  return {{_mm256_castsi256_ps(_mm256_slli_epi32(lo, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(hi, 16))},
          {_mm256_castsi256_ps(_mm256_and_si256(lo, high)), _mm256_castsi256_ps(_mm256_and_si256(hi, high))}};
}
DMOE_INLINE PairVec load_pairs(const uint16_t* p) {
  return pairs_of_words(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 16)));
}
DMOE_INLINE PairVec broadcast_pair(const uint16_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return pairs_of_words(_mm256_set1_epi32(word), _mm256_set1_epi32(word));
}
DMOE_INLINE Vec dot_pairs(PairVec w, PairVec x, Vec acc) {
  return fma(w.odd, x.odd, fma(w.even, x.even, acc));
}

}  // namespace
}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_SIMD_AVX2_HPP_
