// simd_quant / AVX2: meaning of each name in simd_quant_scalar.hpp. Include after simd_avx2.hpp.
//
// vpmaddubsw adds pairs of products in 16 bits and saturates: two products of 255 * 127 do not fit. 8-bit
// weights are therefore made signed and multiplied as |x| * sign(w, x): 2 * 127 * 127 fits. 4-bit ones fit as
// they are: 2 * 15 * 127.
#ifndef DYNAMICMOE_CORE_SIMD_QUANT_AVX2_HPP_
#define DYNAMICMOE_CORE_SIMD_QUANT_AVX2_HPP_

namespace dmoe {
namespace {

struct IntVec {
  __m256i lo, hi;
};
struct ByteVec {
  __m256i lo, hi;
};
struct QuadVec {
  __m256i v;
};

constexpr int kQuantAccumulators = 4;

DMOE_INLINE IntVec start_q8(int32_t) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
DMOE_INLINE IntVec start_q4(int32_t correction) {
  return {_mm256_set1_epi32(correction), _mm256_set1_epi32(correction)};
}
DMOE_INLINE ByteVec load_bytes(const uint8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
DMOE_INLINE ByteVec low_nibbles(ByteVec a) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {_mm256_and_si256(a.lo, mask), _mm256_and_si256(a.hi, mask)};
}
DMOE_INLINE ByteVec high_nibbles(ByteVec a) {
  return low_nibbles({_mm256_srli_epi16(a.lo, 4), _mm256_srli_epi16(a.hi, 4)});
}
DMOE_INLINE QuadVec broadcast_quad(const int8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return {_mm256_set1_epi32(word)};
}
// Pairs of 16-bit sums to 32 bits.
DMOE_INLINE __m256i widened(__m256i pairs) { return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }
DMOE_INLINE __m256i signed_products(__m256i w, __m256i x) {
  const __m256i value = _mm256_xor_si256(w, _mm256_set1_epi8(-128));  // w - 128
  return widened(_mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(value, x)));
}
DMOE_INLINE IntVec dot_q8(ByteVec w, QuadVec x, IntVec sum) {
  return {_mm256_add_epi32(sum.lo, signed_products(w.lo, x.v)),
          _mm256_add_epi32(sum.hi, signed_products(w.hi, x.v))};
}
DMOE_INLINE IntVec dot_q4(ByteVec w, QuadVec x, IntVec sum) {
  return {_mm256_add_epi32(sum.lo, widened(_mm256_maddubs_epi16(w.lo, x.v))),
          _mm256_add_epi32(sum.hi, widened(_mm256_maddubs_epi16(w.hi, x.v)))};
}
DMOE_INLINE Vec to_float(IntVec a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
DMOE_INLINE Vec load_half(const uint8_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16)))};
}
DMOE_INLINE Vec round_even(Vec a) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.lo, kNearest), _mm256_round_ps(a.hi, kNearest)};
}
DMOE_INLINE void store_signed_bytes(int8_t* p, Vec a) {
  const __m256i lo = _mm256_cvtps_epi32(a.lo), hi = _mm256_cvtps_epi32(a.hi);
  const __m128i l = _mm_packs_epi32(_mm256_castsi256_si128(lo), _mm256_extracti128_si256(lo, 1));
  const __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(hi), _mm256_extracti128_si256(hi, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(l, h));
}

}  // namespace
}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_SIMD_QUANT_AVX2_HPP_
