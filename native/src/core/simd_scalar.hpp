// simd / scalar: the 16-lane vector of core/simd_*.hpp as a plain array, for machines without vector
// extensions.
//
// The headers simd_scalar, simd_avx2, simd_avx512 and simd_neon define the same names with the same meaning,
// so that a kernel body (*.inl) is written once. Each operation is correctly rounded IEEE binary32 in every
// one of them, products are fused only by fma(), and sums over lanes are one fixed tree: a body gives the
// same bits at every level. Everything has internal linkage: an ISA object must not offer a function that
// another object could pick up.
#ifndef DYNAMICMOE_CORE_SIMD_SCALAR_HPP_
#define DYNAMICMOE_CORE_SIMD_SCALAR_HPP_

#include <stdint.h>

#define DMOE_INLINE inline __attribute__((always_inline))

namespace dmoe {
namespace {

struct Vec {
  float lane[16];
};

// Vectors of sums that a tile of panel_gemm.inl keeps: rows * panels * 2 at most.
constexpr int kTileAccumulators = 4;

#define DMOE_LANES for (int i = 0; i < 16; ++i)

DMOE_INLINE uint32_t bits_of(float x) {
  uint32_t u;
  __builtin_memcpy(&u, &x, 4);
  return u;
}
DMOE_INLINE float float_of(uint32_t u) {
  float x;
  __builtin_memcpy(&x, &u, 4);
  return x;
}

// Asks for a line of the second-level cache; any address will do.
DMOE_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }
DMOE_INLINE Vec set1(float x) {
  Vec r;
  DMOE_LANES r.lane[i] = x;
  return r;
}
DMOE_INLINE Vec zero() { return set1(0.0f); }
DMOE_INLINE Vec load(const float* p) {
  Vec r;
  DMOE_LANES r.lane[i] = p[i];
  return r;
}
// The first n < 16 lanes from p, zeros above; reads nothing past p[n-1].
DMOE_INLINE Vec load_partial(const float* p, int n) {
  Vec r;
  DMOE_LANES r.lane[i] = i < n ? p[i] : 0.0f;
  return r;
}
DMOE_INLINE void store(float* p, Vec a) { DMOE_LANES p[i] = a.lane[i]; }
DMOE_INLINE void store_partial(float* p, Vec a, int n) {
  for (int i = 0; i < n; ++i) p[i] = a.lane[i];
}
DMOE_INLINE Vec add(Vec a, Vec b) {
  DMOE_LANES a.lane[i] = a.lane[i] + b.lane[i];
  return a;
}
DMOE_INLINE Vec sub(Vec a, Vec b) {
  DMOE_LANES a.lane[i] = a.lane[i] - b.lane[i];
  return a;
}
DMOE_INLINE Vec mul(Vec a, Vec b) {
  DMOE_LANES a.lane[i] = a.lane[i] * b.lane[i];
  return a;
}
DMOE_INLINE Vec div(Vec a, Vec b) {
  DMOE_LANES a.lane[i] = a.lane[i] / b.lane[i];
  return a;
}
DMOE_INLINE Vec fma(Vec a, Vec b, Vec c) {
  DMOE_LANES c.lane[i] = __builtin_fmaf(a.lane[i], b.lane[i], c.lane[i]);
  return c;
}
// a > b ? a : b, hence b when either is NaN (as maxps does it).
DMOE_INLINE Vec max(Vec a, Vec b) {
  DMOE_LANES a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}
// a < b ? a : b, hence b when either is NaN.
DMOE_INLINE Vec min(Vec a, Vec b) {
  DMOE_LANES a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}
DMOE_INLINE Vec abs(Vec a) {
  DMOE_LANES a.lane[i] = float_of(bits_of(a.lane[i]) & 0x7fffffffu);
  return a;
}
// a < b ? x : y, lane by lane; y when unordered.
DMOE_INLINE Vec select_less(Vec a, Vec b, Vec x, Vec y) {
  DMOE_LANES y.lane[i] = a.lane[i] < b.lane[i] ? x.lane[i] : y.lane[i];
  return y;
}
// 2^n where a = n + 1.5 * 2^23 and -126 <= n <= 127.
DMOE_INLINE Vec pow2_of_shifted(Vec a) {
  DMOE_LANES a.lane[i] = float_of((bits_of(a.lane[i]) << 23) + 0x3f800000u);
  return a;
}
// Sum of the lanes as the tree (i, i+8), (i, i+4), (i, i+2), (i, i+1).
DMOE_INLINE float sum_tree(Vec a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.lane[i] = a.lane[i] + a.lane[i + half];
  }
  return a.lane[0];
}
// Largest lane; no lane may be NaN.
DMOE_INLINE float max_tree(Vec a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.lane[i] = a.lane[i] > a.lane[i + half] ? a.lane[i] : a.lane[i + half];
  }
  return a.lane[0];
}
// 16 lanes rounded to bfloat16, nearest even. Infinities stay; a NaN's payload is cut to its top bit first,
// or the rounding could carry it over into a number (a signalling NaN may end as infinity).
DMOE_INLINE void store_bf16(uint16_t* p, Vec a) {
  DMOE_LANES {
    const uint32_t bits = bits_of(a.lane[i]);
    const uint32_t magnitude = bits & 0x7fffffffu;
    const uint32_t u = (bits & 0x80000000u) | (magnitude < 0x7fc00000u ? magnitude : 0x7fc00000u);
    p[i] = static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
}

// 16 pairs of bfloat16: lane i holds elements 2i and 2i+1 of memory order.
struct PairVec {
  Vec even, odd;
};
DMOE_INLINE PairVec load_pairs(const uint16_t* p) {
  PairVec r;
  DMOE_LANES {
    r.even.lane[i] = float_of(static_cast<uint32_t>(p[2 * i]) << 16);
    r.odd.lane[i] = float_of(static_cast<uint32_t>(p[2 * i + 1]) << 16);
  }
  return r;
}
DMOE_INLINE PairVec broadcast_pair(const uint16_t* p) {
  PairVec r;
  r.even = set1(float_of(static_cast<uint32_t>(p[0]) << 16));
  r.odd = set1(float_of(static_cast<uint32_t>(p[1]) << 16));
  return r;
}
// acc + w.even * x.even + w.odd * x.odd, one fma after the other in this order.
DMOE_INLINE Vec dot_pairs(PairVec w, PairVec x, Vec acc) {
  return fma(w.odd, x.odd, fma(w.even, x.even, acc));
}

#undef DMOE_LANES

}  // namespace
}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_SIMD_SCALAR_HPP_
