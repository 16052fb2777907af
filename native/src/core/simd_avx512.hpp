// simd / AVX-512: the 16-lane vector as one __m512. Meaning of each name: simd_scalar.hpp.
//
// Compiled with AVX512_BF16 the bf16 pair product is vdpbf16ps: per pair it adds both products to the
// accumulator in one instruction, treats subnormals as zero, and so gives other bits than the two fmas of the
// other levels.
#ifndef DYNAMICMOE_CORE_SIMD_AVX512_HPP_
#define DYNAMICMOE_CORE_SIMD_AVX512_HPP_

// GCC 12's header makes "undefined" vectors by reading an uninitialised one, and warns of it wherever it is
// inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>
#include <stdint.h>

#define DMOE_INLINE inline __attribute__((always_inline))

namespace dmoe {
namespace {

struct Vec {
  __m512 v;
};

// Of 32 registers: 12 rows x 1 panel, 6 x 2 or 3 x 4, and the operands.
constexpr int kTileAccumulators = 24;

// Asks for a line of the second-level cache; any address will do.
DMOE_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }
DMOE_INLINE Vec set1(float x) { return {_mm512_set1_ps(x)}; }
DMOE_INLINE Vec zero() { return {_mm512_setzero_ps()}; }
DMOE_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
DMOE_INLINE __mmask16 first_lanes(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
DMOE_INLINE Vec load_partial(const float* p, int n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
DMOE_INLINE void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
DMOE_INLINE void store_partial(float* p, Vec a, int n) { _mm512_mask_storeu_ps(p, first_lanes(n), a.v); }
DMOE_INLINE Vec add(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
DMOE_INLINE Vec sub(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
DMOE_INLINE Vec mul(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
DMOE_INLINE Vec div(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
DMOE_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
DMOE_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
DMOE_INLINE Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
DMOE_INLINE Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
DMOE_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
DMOE_INLINE Vec pow2_of_shifted(Vec a) {
  const __m512i shifted = _mm512_slli_epi32(_mm512_castps_si512(a.v), 23);
  return {_mm512_castsi512_ps(_mm512_add_epi32(shifted, _mm512_set1_epi32(0x3f800000)))};
}
DMOE_INLINE float sum_tree(Vec a) {
  const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
DMOE_INLINE float max_tree(Vec a) {
  const __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  __m128 q = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_max_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
}
// By integers, not by vcvtneps2bf16, which flushes subnormals: the stored bits are those of every level.
DMOE_INLINE void store_bf16(uint16_t* p, Vec a) {
  const __m512i cut = _mm512_min_epu32(_mm512_castps_si512(abs(a).v), _mm512_set1_epi32(0x7fc00000));
  const __m512i sign = _mm512_and_si512(_mm512_castps_si512(a.v), _mm512_set1_epi32(INT32_MIN));
  const __m512i u = _mm512_or_si512(sign, cut);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
}

DMOE_INLINE __m512i load_words(const uint16_t* p) { return _mm512_loadu_si512(p); }
DMOE_INLINE __m512i broadcast_word(const uint16_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return _mm512_set1_epi32(word);
}

#ifdef __AVX512BF16__

struct PairVec {
  __m512bh v;
};
DMOE_INLINE PairVec load_pairs(const uint16_t* p) { return {(__m512bh)load_words(p)}; }
DMOE_INLINE PairVec broadcast_pair(const uint16_t* p) { return {(__m512bh)broadcast_word(p)}; }
DMOE_INLINE Vec dot_pairs(PairVec w, PairVec x, Vec acc) { return {_mm512_dpbf16_ps(acc.v, w.v, x.v)}; }

#else

struct PairVec {
  Vec even, odd;
};
DMOE_INLINE PairVec pairs_of_words(__m512i words) {
  const __m512i high = _mm512_set1_epi32(static_cast<int32_t>(0xffff0000u));
  return {{_mm512_castsi512_ps(_mm512_slli_epi32(words, 16))},
          {_mm512_castsi512_ps(_mm512_and_si512(words, high))}};
}
DMOE_INLINE PairVec load_pairs(const uint16_t* p) { return pairs_of_words(load_words(p)); }
DMOE_INLINE PairVec broadcast_pair(const uint16_t* p) { return pairs_of_words(broadcast_word(p)); }
DMOE_INLINE Vec dot_pairs(PairVec w, PairVec x, Vec acc) {
  return fma(w.odd, x.odd, fma(w.even, x.even, acc));
}

#endif

}  // namespace
}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_SIMD_AVX512_HPP_
