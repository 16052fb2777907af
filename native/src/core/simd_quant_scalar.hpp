// simd_quant / scalar: 16 lanes of int32 and of 4 bytes, for panel_quant.inl. Include after simd_scalar.hpp.
//
// The simd_quant headers of all levels define the same names. dot_q8 and dot_q4 add, per lane, four products
// of an unsigned weight and a signed activation; a level that does better with signed 8-bit weights takes the
// offset off by itself and starts its sums at 0. Either way a sum that starts with start_*(correction) ends
// as sum of value * activation, exactly.
#ifndef DYNAMICMOE_CORE_SIMD_QUANT_SCALAR_HPP_
#define DYNAMICMOE_CORE_SIMD_QUANT_SCALAR_HPP_

#include <stdint.h>

namespace dmoe {
namespace {

struct IntVec {
  int32_t lane[16];
};
struct ByteVec {
  uint8_t byte[64];  // lane i: bytes 4 i .. 4 i + 3
};
struct QuadVec {
  int8_t byte[4];  // the same four in every lane
};

// Int32 and float vectors that a tile keeps: rows * panels * 2 at most.
constexpr int kQuantAccumulators = 2;

DMOE_INLINE IntVec start_q8(int32_t correction) {
  IntVec r;
  for (int i = 0; i < 16; ++i) r.lane[i] = correction;
  return r;
}
DMOE_INLINE IntVec start_q4(int32_t correction) { return start_q8(correction); }
DMOE_INLINE ByteVec load_bytes(const uint8_t* p) {
  ByteVec r;
  __builtin_memcpy(r.byte, p, 64);
  return r;
}
DMOE_INLINE ByteVec low_nibbles(ByteVec a) {
  for (int i = 0; i < 64; ++i) a.byte[i] = a.byte[i] & 15u;
  return a;
}
DMOE_INLINE ByteVec high_nibbles(ByteVec a) {
  for (int i = 0; i < 64; ++i) a.byte[i] = static_cast<uint8_t>(a.byte[i] >> 4);
  return a;
}
DMOE_INLINE QuadVec broadcast_quad(const int8_t* p) {
  QuadVec r;
  __builtin_memcpy(r.byte, p, 4);
  return r;
}
DMOE_INLINE IntVec dot_q8(ByteVec w, QuadVec x, IntVec sum) {
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 4; ++j) sum.lane[i] += static_cast<int32_t>(w.byte[4 * i + j]) * x.byte[j];
  }
  return sum;
}
DMOE_INLINE IntVec dot_q4(ByteVec w, QuadVec x, IntVec sum) { return dot_q8(w, x, sum); }
DMOE_INLINE Vec to_float(IntVec a) {
  Vec r;
  for (int i = 0; i < 16; ++i) r.lane[i] = static_cast<float>(a.lane[i]);
  return r;
}
// 16 float16 at any alignment; subnormals and infinities are exact.
DMOE_INLINE Vec load_half(const uint8_t* p) {
  Vec r;
  for (int i = 0; i < 16; ++i) {
    uint16_t half;
    __builtin_memcpy(&half, p + 2 * i, 2);
    const uint32_t magnitude = half & 0x7fffu;
    // Shifted into place, a half's exponent is too small by 112; the product mends that for subnormals too.
    const uint32_t bits = magnitude >= 0x7c00u ? 0x7f800000u | (magnitude << 13)
                                               : bits_of(float_of(magnitude << 13) * 0x1p112f);
    r.lane[i] = float_of(bits | static_cast<uint32_t>(half & 0x8000u) << 16);
  }
  return r;
}
// To the nearest integer, ties to even; |a| < 2^22.
DMOE_INLINE Vec round_even(Vec a) {
  for (int i = 0; i < 16; ++i) a.lane[i] = (a.lane[i] + 0x1.8p23f) - 0x1.8p23f;
  return a;
}
// 16 integers of -127..127 as bytes.
DMOE_INLINE void store_signed_bytes(int8_t* p, Vec a) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.lane[i]);
}

}  // namespace
}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_SIMD_QUANT_SCALAR_HPP_
