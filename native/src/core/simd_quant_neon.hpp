// simd_quant / NEON: meaning of each name in simd_quant_scalar.hpp. Include after simd_neon.hpp.
//
// Armv8.0 has no dot product: products of 16 bits, pairs of them added in 16 bits, pairs of those in 32.
// 8-bit weights are made signed for it: 2 * 128 * 127 fits in 16 bits.
#ifndef DYNAMICMOE_CORE_SIMD_QUANT_NEON_HPP_
#define DYNAMICMOE_CORE_SIMD_QUANT_NEON_HPP_

namespace dmoe {
namespace {

struct IntVec {
  int32x4_t q0, q1, q2, q3;
};
struct ByteVec {
  uint8x16_t q0, q1, q2, q3;
};
struct QuadVec {
  int8x16_t v;
};

// 8 registers of float and 8 of int32 sums; the weights of a pair of steps take 16.
constexpr int kQuantAccumulators = 2;

DMOE_INLINE IntVec start_q4(int32_t correction) {
  const int32x4_t v = vdupq_n_s32(correction);
  return {v, v, v, v};
}
DMOE_INLINE IntVec start_q8(int32_t) { return start_q4(0); }
DMOE_INLINE ByteVec load_bytes(const uint8_t* p) {
  return {vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)};
}
DMOE_INLINE ByteVec low_nibbles(ByteVec a) {
  const uint8x16_t mask = vdupq_n_u8(15);
  return {vandq_u8(a.q0, mask), vandq_u8(a.q1, mask), vandq_u8(a.q2, mask), vandq_u8(a.q3, mask)};
}
DMOE_INLINE ByteVec high_nibbles(ByteVec a) {
  return {vshrq_n_u8(a.q0, 4), vshrq_n_u8(a.q1, 4), vshrq_n_u8(a.q2, 4), vshrq_n_u8(a.q3, 4)};
}
DMOE_INLINE QuadVec broadcast_quad(const int8_t* p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return {vreinterpretq_s8_s32(vdupq_n_s32(word))};
}
// 4 lanes: each adds the products of its 4 bytes.
DMOE_INLINE int32x4_t dot4(uint8x16_t weights, int8x16_t x, int32x4_t sum) {
  const int8x16_t w = vreinterpretq_s8_u8(weights);
  const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(x));
  const int16x8_t high = vmull_high_s8(w, x);
  return vpadalq_s16(sum, vpaddq_s16(low, high));
}
DMOE_INLINE IntVec dot_q4(ByteVec w, QuadVec x, IntVec sum) {
  return {dot4(w.q0, x.v, sum.q0), dot4(w.q1, x.v, sum.q1), dot4(w.q2, x.v, sum.q2), dot4(w.q3, x.v, sum.q3)};
}
DMOE_INLINE IntVec dot_q8(ByteVec w, QuadVec x, IntVec sum) {
  const uint8x16_t sign = vdupq_n_u8(0x80);  // w - 128
  return dot_q4({veorq_u8(w.q0, sign), veorq_u8(w.q1, sign), veorq_u8(w.q2, sign), veorq_u8(w.q3, sign)}, x,
                sum);
}
DMOE_INLINE Vec to_float(IntVec a) {
  return {vcvtq_f32_s32(a.q0), vcvtq_f32_s32(a.q1), vcvtq_f32_s32(a.q2), vcvtq_f32_s32(a.q3)};
}
DMOE_INLINE Vec load_half(const uint8_t* p) {
  const float16x8_t a = vreinterpretq_f16_u8(vld1q_u8(p)), b = vreinterpretq_f16_u8(vld1q_u8(p + 16));
  return {vcvt_f32_f16(vget_low_f16(a)), vcvt_high_f32_f16(a), vcvt_f32_f16(vget_low_f16(b)),
          vcvt_high_f32_f16(b)};
}
DMOE_INLINE Vec round_even(Vec a) {
  return {vrndnq_f32(a.q0), vrndnq_f32(a.q1), vrndnq_f32(a.q2), vrndnq_f32(a.q3)};
}
DMOE_INLINE void store_signed_bytes(int8_t* p, Vec a) {
  const int16x8_t low = vcombine_s16(vmovn_s32(vcvtq_s32_f32(a.q0)), vmovn_s32(vcvtq_s32_f32(a.q1)));
  const int16x8_t high = vcombine_s16(vmovn_s32(vcvtq_s32_f32(a.q2)), vmovn_s32(vcvtq_s32_f32(a.q3)));
  vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}

}  // namespace
}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_SIMD_QUANT_NEON_HPP_
