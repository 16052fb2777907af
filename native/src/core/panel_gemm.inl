// panel_gemm: out[r, c] = sum over k of row[r][k] * w[k, c] on packed panels (panel_gemm.hpp).
// Include after one simd_*.hpp, and after panel_quant.inl where the 8- and 4-bit formats are wanted.
//
// One accumulation order at every m: k ascending from 0, one fp32 accumulator per element, one fma per k
// (bf16: even k, then odd k; or vdpbf16ps). Latency is hidden by more rows or more panels, never by splitting
// the sum; a block of k stores the accumulator and the next one loads it back, which changes no bit. Error:
// |out - exact| <= gamma(k) * sum |x||w|, gamma(k) = k u / (1 - k u), u = 2^-24; the exact sum is over the
// stored (bf16: rounded) elements. vdpbf16ps rounds twice per pair: gamma(k + 1), plus 2^-126 * sum (1 + |x|
// + |w|) for what it takes as zero. 8- and 4-bit formats: panel_quant.inl.

namespace dmoe {
namespace {

// Memory works while the sums do. Where several row tiles pass over a block of weights, those that find it in
// cache ask for half of the block after it each, kAhead bytes a step. A tile that is alone asks within its
// own stream, from kAskRows rows on: with fewer the hardware reads as fast as memory gives, and asking slows
// it down.
constexpr int64_t kAskDistance = 8192;

// How one storage format steps along k. A step is one k (f32) or a pair of k (bf16).
struct FormatF32 {
  static constexpr bool kQuantised = false;
  using Element = float;
  using Operand = Vec;
  static constexpr int64_t kStepElements = 1;
  static constexpr int64_t kStepBytes = 128;
  static constexpr int64_t kAhead = 64;
  static constexpr int kAskRows = 7;
  static constexpr int64_t kBlockSteps = 1024;
  static DMOE_INLINE Operand weights(const uint8_t* p) { return load(reinterpret_cast<const float*>(p)); }
  static DMOE_INLINE Operand broadcast(const float* p) { return set1(*p); }
  static DMOE_INLINE Vec multiply_add(Operand w, Operand x, Vec acc) { return fma(w, x, acc); }
};
struct FormatBf16 {
  static constexpr bool kQuantised = false;
  using Element = uint16_t;
  using Operand = PairVec;
  static constexpr int64_t kStepElements = 2;
  static constexpr int64_t kStepBytes = 128;
  static constexpr int64_t kAhead = 64;
  static constexpr int kAskRows = 7;
  static constexpr int64_t kBlockSteps = 1024;
  static DMOE_INLINE Operand weights(const uint8_t* p) {
    return load_pairs(reinterpret_cast<const uint16_t*>(p));
  }
  static DMOE_INLINE Operand broadcast(const uint16_t* p) { return broadcast_pair(p); }
  static DMOE_INLINE Vec multiply_add(Operand w, Operand x, Vec acc) { return dot_pairs(w, x, acc); }
};

// R rows x P panels in registers over steps [from, to). Panels are panel_stride bytes apart.
template <class Format, int R, int P, Ahead A>
DMOE_INLINE void float_tile(const void* const* rows, const uint8_t* panels, int64_t panel_stride,
                            int64_t from, int64_t to, float* out, int64_t out_stride, const uint8_t* ahead) {
  using Element = typename Format::Element;
  constexpr int kVectors = 2 * P;
  const Element* x[R];
  Vec acc[R][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    x[r] = static_cast<const Element*>(rows[r]);
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) acc[r][v] = from == 0 ? zero() : load(out + r * out_stride + 16 * v);
  }
  for (int64_t step = from; step < to; ++step) {
    constexpr int64_t kBytes = ahead_bytes<Format, A>();
#pragma GCC unroll 2
    for (int64_t line = 0; line < kBytes; line += 64) prefetch(ahead + (step - from) * kBytes + line);
    typename Format::Operand w[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      w[v] = Format::weights(panels + (v / 2) * panel_stride + step * Format::kStepBytes + (v % 2) * 64);
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const typename Format::Operand xr = Format::broadcast(x[r] + step * Format::kStepElements);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) acc[r][v] = Format::multiply_add(w[v], xr, acc[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) store(out + r * out_stride + 16 * v, acc[r][v]);
  }
}

// Vectors that a tile of a format keeps in registers at most: rows * panels * 2.
template <class Format>
constexpr int tile_vectors() {
#ifdef DMOE_PANEL_QUANT
  if (Format::kQuantised) return kQuantAccumulators;
#endif
  return kTileAccumulators;
}
// Panels that a tile of R rows covers: few rows take more panels, so that as many sums are under way at once.
template <class Format, int R>
constexpr int tile_panels() {
  constexpr int kFit = tile_vectors<Format>() / (2 * R);
  return kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1;
}

template <class Format, int R, int P, Ahead A>
DMOE_INLINE void tile(const void* const* rows, const uint8_t* panels, int64_t panel_stride, int64_t from,
                      int64_t to, float* out, int64_t out_stride, const uint8_t* ahead) {
#ifdef DMOE_PANEL_QUANT
  if constexpr (Format::kQuantised) {
    return quant_tile<Format, R, P, A>(rows, panels, panel_stride, from, to, out, out_stride, ahead);
  } else
#endif
    float_tile<Format, R, P, A>(rows, panels, panel_stride, from, to, out, out_stride, ahead);
}

// Steps of a panel for k elements.
template <class Format>
DMOE_INLINE int64_t panel_steps(int64_t k) {
  return (k + Format::kStepElements - 1) / Format::kStepElements;
}

// Bytes from one panel to the next.
template <class Format>
DMOE_INLINE int64_t panel_stride(int64_t k) {
  return panel_steps<Format>(k) * Format::kStepBytes;
}

// Tiles of R rows, the last few of R - 1, against P panels; a block of k stays in cache while the row tiles
// pass over it.
template <class Format, int R, int P>
__attribute__((noinline)) void gemm_columns(const PanelGemm& g, int64_t tiles, const uint8_t* panels,
                                            int64_t panel_stride, float* out) {
  const int64_t steps = panel_steps<Format>(g.k);
  const int64_t blocks = tiles > 1 ? (steps + Format::kBlockSteps - 1) / Format::kBlockSteps : 1;
  const int64_t whole = g.m - tiles * (R - 1);  // tiles of R rows; the others have R - 1
  for (int64_t b = 0; b < blocks; ++b) {        // dealt evenly, so that each asks for half of one like itself
    const int64_t from = steps * b / blocks, to = steps * (b + 1) / blocks;
    int64_t row = 0;
    for (int64_t t = 0; t < tiles; ++t) {
      const void* const* rows = g.rows + row;
      float* sums = out + row * g.out_stride;
      // Tiles 1 and 2 ask for one half each; the block after the last one of a panel starts the next panel.
      if (P == 1 && g.from_memory && t >= 1 && t <= 2) {
        const uint8_t* ahead = panels + to * Format::kStepBytes + (t - 1) * (to - from) * Format::kAhead;
        if (t < whole) {
          tile<Format, R, P, Ahead::kHalf>(rows, panels, panel_stride, from, to, sums, g.out_stride, ahead);
        } else if constexpr (R > 1) {
          tile<Format, R - 1, P, Ahead::kHalf>(rows, panels, panel_stride, from, to, sums, g.out_stride,
                                               ahead);
        }
      } else if (P == 1 && R >= Format::kAskRows && g.from_memory && tiles == 1) {
        const uint8_t* ahead = panels + kAskDistance;
        tile<Format, R, P, Ahead::kWhole>(rows, panels, panel_stride, from, to, sums, g.out_stride, ahead);
      } else if (t < whole) {
        tile<Format, R, P, Ahead::kNone>(rows, panels, panel_stride, from, to, sums, g.out_stride, nullptr);
      } else if constexpr (R > 1) {
        tile<Format, R - 1, P, Ahead::kNone>(rows, panels, panel_stride, from, to, sums, g.out_stride,
                                             nullptr);
      }
      row += t < whole ? R : R - 1;
    }
  }
}

template <class Format, int R>
DMOE_INLINE void gemm_rows(const PanelGemm& g, int64_t tiles) {
  constexpr int kPanels = tile_panels<Format, R>();
  const int64_t stride = panel_stride<Format>(g.k);
  const uint8_t* panels = static_cast<const uint8_t*>(g.panels);
  int64_t panel = 0;
  if constexpr (kPanels > 1) {
    for (; !g.from_memory && panel + kPanels <= g.panel_count; panel += kPanels) {
      gemm_columns<Format, R, kPanels>(g, tiles, panels + panel * stride, stride,
                                       g.out + panel * kPanelColumns);
    }
  }
  for (; panel < g.panel_count; ++panel) {
    gemm_columns<Format, R, 1>(g, tiles, panels + panel * stride, stride, g.out + panel * kPanelColumns);
  }
}

// Finds the R of this call: rows are dealt evenly, 13 rows are 7 + 6, not 12 + 1.
template <class Format, int R>
DMOE_INLINE void gemm_rows_of(const PanelGemm& g, int64_t tiles, int64_t rows) {
  if constexpr (R > 1) {
    if (rows < R) return gemm_rows_of<Format, R - 1>(g, tiles, rows);
  }
  gemm_rows<Format, R>(g, tiles);
}

template <class Format>
DMOE_INLINE void panel_gemm(const PanelGemm& g) {
  if (g.m == 0) return;
  constexpr int kMostRows = tile_vectors<Format>() / 2;
  const int64_t tiles = (g.m + kMostRows - 1) / kMostRows;
  gemm_rows_of<Format, kMostRows>(g, tiles, (g.m + tiles - 1) / tiles);
}

// static: a TU that uses one of them must not warn about the other.
[[maybe_unused]] void panel_gemm_f32(const PanelGemm& g) { panel_gemm<FormatF32>(g); }
[[maybe_unused]] void panel_gemm_bf16(const PanelGemm& g) { panel_gemm<FormatBf16>(g); }

}  // namespace
}  // namespace dmoe
