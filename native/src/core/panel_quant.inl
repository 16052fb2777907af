// panel_quant: the tile of the 8- and 4-bit formats (core/quant.hpp), and the rounding of activations to
// them. Include after a simd_*.hpp and its simd_quant_*.hpp; panel_gemm.inl picks the tile up.
//
// Per block of 32 k the integer sum is exact; then acc = fma(sw * sx, float(sum), acc), blocks ascending,
// with sw the weights' scale and sx the activations'. Integers do not round, so every level gives the same
// bits. Error against exact arithmetic on the stored values and scales: gamma(blocks + 1) * sum |x||w| +
// blocks * 2^-130, u = 2^-24: one rounding of sw * sx and one per fma; float(sum) is exact, |sum| < 2^24; the
// last term is underflow of sw * sx.

#include "core/quant.hpp"

#define DMOE_PANEL_QUANT

namespace dmoe {
namespace {

struct FormatQ8 {
  static constexpr bool kQuantised = true;
  static constexpr int64_t kStepElements = kQuantBlock;
  static constexpr int64_t kStepBytes = kQ8BlockBytes;
  static constexpr int64_t kAhead = 9 * 64;
  static constexpr int kAskRows = 4;
  static constexpr int64_t kBlockSteps = 64;
  static constexpr int32_t kOffset = kQ8Offset;
  // Steps 2 * pair and 2 * pair + 1 of 16 columns.
  static DMOE_INLINE void weights(const uint8_t* block, int pair, ByteVec& even, ByteVec& odd) {
    even = load_bytes(block + 256 * pair);
    odd = load_bytes(block + 256 * pair + 128);
  }
  static DMOE_INLINE IntVec start(int32_t correction) { return start_q8(correction); }
  static DMOE_INLINE IntVec dot(ByteVec w, QuadVec x, IntVec sum) { return dot_q8(w, x, sum); }
};
struct FormatQ4 {
  static constexpr bool kQuantised = true;
  static constexpr int64_t kStepElements = kQuantBlock;
  static constexpr int64_t kStepBytes = kQ4BlockBytes;
  static constexpr int64_t kAhead = 5 * 64;
  static constexpr int kAskRows = 4;
  static constexpr int64_t kBlockSteps = 64;
  static constexpr int32_t kOffset = kQ4Offset;
  static DMOE_INLINE void weights(const uint8_t* block, int pair, ByteVec& even, ByteVec& odd) {
    const ByteVec both = load_bytes(block + 128 * pair);
    even = low_nibbles(both);
    odd = high_nibbles(both);
  }
  static DMOE_INLINE IntVec start(int32_t correction) { return start_q4(correction); }
  static DMOE_INLINE IntVec dot(ByteVec w, QuadVec x, IntVec sum) { return dot_q4(w, x, sum); }
};

// R rows x P panels over blocks [from, to). Panels are panel_stride bytes apart.
template <class Format, int R, int P, Ahead A>
DMOE_INLINE void quant_tile(const void* const* rows, const uint8_t* panels, int64_t panel_stride,
                            int64_t from, int64_t to, float* out, int64_t out_stride, const uint8_t* ahead) {
  constexpr int kVectors = 2 * P;
  const QuantBlock* x[R];
  Vec acc[R][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    x[r] = static_cast<const QuantBlock*>(rows[r]);
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) acc[r][v] = from == 0 ? zero() : load(out + r * out_stride + 16 * v);
  }
  for (int64_t b = from; b < to; ++b) {
    const uint8_t* block = panels + b * Format::kStepBytes;
    IntVec sum[R][kVectors];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const IntVec first = Format::start(x[r][b].correction);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sum[r][v] = first;
    }
    constexpr int64_t kLines = ahead_bytes<Format, A>() / 64;
    const uint8_t* wanted = kLines == 0 ? nullptr : ahead + (b - from) * kLines * 64;
#pragma GCC unroll 4
    for (int pair = 0; pair < 4; ++pair) {
      // Spread over the step: asked for at once they would wait for each other.
      if constexpr (kLines > 0) {
#pragma GCC unroll 32
        for (int64_t line = 0; line < kLines; ++line)
          if (line * 4 / kLines == pair) prefetch(wanted + line * 64);
      }
      ByteVec even[kVectors], odd[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) {
        Format::weights(block + (v / 2) * panel_stride + (v % 2) * 64, pair, even[v], odd[v]);
      }
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const QuadVec xe = broadcast_quad(x[r][b].value + 8 * pair);
        const QuadVec xo = broadcast_quad(x[r][b].value + 8 * pair + 4);
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          sum[r][v] = Format::dot(odd[v], xo, Format::dot(even[v], xe, sum[r][v]));
        }
      }
    }
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      const uint8_t* scales = block + (v / 2) * panel_stride + Format::kStepBytes - kQuantScaleBytes;
      const Vec sw = load_half(scales + (v % 2) * 32);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        acc[r][v] = fma(mul(sw, set1(x[r][b].scale)), to_float(sum[r][v]), acc[r][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) store(out + r * out_stride + 16 * v, acc[r][v]);
  }
}

// 32 floats to one block; |x - scale * value| <= (1/2 + 2^-15) * scale, or 2^-119 in a block set to zero.
DMOE_INLINE void quantise_block(Vec a, Vec b, int32_t offset, QuantBlock* out) {
  const float largest = max_tree(max(abs(a), abs(b)));
  // x - x is 0 for a finite x and NaN otherwise, and NaN survives the sum; max need not see it.
  const bool finite = sum_tree(add(sub(a, a), sub(b, b))) == 0.0f;
  const bool tiny = !(largest >= 0x1p-119f);
  if (!finite || tiny) {
    a = b = zero();
    out->scale = finite ? 0.0f : __builtin_nanf("");
  } else {
    const Vec inverse = set1(127.0f / largest);
    a = round_even(mul(a, inverse));
    b = round_even(mul(b, inverse));
    out->scale = largest / 127.0f;
  }
  store_signed_bytes(out->value, a);
  store_signed_bytes(out->value + 16, b);
  // Sums of 32 integers of at most 127 are exact in float.
  out->correction = -offset * static_cast<int32_t>(sum_tree(add(a, b)));
}

// A row of `columns` floats to quant_blocks(columns) blocks, padded with zeros.
DMOE_INLINE void quantise_row(const float* x, int64_t columns, int32_t offset, QuantBlock* out) {
  int64_t c = 0;
  for (; c + kQuantBlock <= columns; c += kQuantBlock, ++out) {
    quantise_block(load(x + c), load(x + c + 16), offset, out);
  }
  const int left = static_cast<int>(columns - c);
  if (left == 0) return;
  const Vec a = left >= 16 ? load(x + c) : load_partial(x + c, left);
  const Vec b = left > 16 ? load_partial(x + c + 16, left - 16) : zero();
  quantise_block(a, b, offset, out);
}

}  // namespace
}  // namespace dmoe
