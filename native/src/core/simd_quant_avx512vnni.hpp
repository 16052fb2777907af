// simd_quant / AVX-512 VNNI: meaning of each name in simd_quant_scalar.hpp. Include after simd_avx512.hpp.
#ifndef DYNAMICMOE_CORE_SIMD_QUANT_AVX512VNNI_HPP_
#define DYNAMICMOE_CORE_SIMD_QUANT_AVX512VNNI_HPP_

namespace dmoe {
namespace {

struct IntVec {
  __m512i v;
};
struct ByteVec {
  __m512i v;
};
struct QuadVec {
  __m512i v;
};

constexpr int kQuantAccumulators = 12;

DMOE_INLINE IntVec start_q8(int32_t correction) { return {_mm512_set1_epi32(correction)}; }
DMOE_INLINE IntVec start_q4(int32_t correction) { return {_mm512_set1_epi32(correction)}; }
DMOE_INLINE ByteVec load_bytes(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
DMOE_INLINE ByteVec low_nibbles(ByteVec a) { return {_mm512_and_si512(a.v, _mm512_set1_epi8(15))}; }
DMOE_INLINE ByteVec high_nibbles(ByteVec a) {
  return {_mm512_and_si512(_mm512_srli_epi16(a.v, 4), _mm512_set1_epi8(15))};
}
DMOE_INLINE QuadVec broadcast_quad(const int8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return {_mm512_set1_epi32(word)};
}
DMOE_INLINE IntVec dot_q8(ByteVec w, QuadVec x, IntVec sum) { return {_mm512_dpbusd_epi32(sum.v, w.v, x.v)}; }
DMOE_INLINE IntVec dot_q4(ByteVec w, QuadVec x, IntVec sum) { return dot_q8(w, x, sum); }
DMOE_INLINE Vec to_float(IntVec a) { return {_mm512_cvtepi32_ps(a.v)}; }
DMOE_INLINE Vec load_half(const uint8_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
DMOE_INLINE Vec round_even(Vec a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
DMOE_INLINE void store_signed_bytes(int8_t* p, Vec a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a.v)));
}

}  // namespace
}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_SIMD_QUANT_AVX512VNNI_HPP_
