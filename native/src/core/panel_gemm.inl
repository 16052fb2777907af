// panel_gemm: out[r, c] = sum over k of row[r][k] * w[k, c] on packed panels (panel_gemm.hpp).
// Include after one simd_*.hpp.
//
// One accumulation order at every m: k ascending from 0, one fp32 accumulator per element, one fma per k
// (bf16: even k, then odd k; or vdpbf16ps). Latency is hidden by more rows or more panels, never by splitting
// the sum; a block of k stores the accumulator and the next one loads it back, which changes no bit. Error:
// |out - exact| <= gamma(k) * sum |x||w|, gamma(k) = k u / (1 - k u), u = 2^-24; the exact sum is over the
// stored (bf16: rounded) elements. vdpbf16ps rounds twice per pair: gamma(k + 1), plus k * 2^-126 for flushed
// products.

namespace dmoe {
namespace {

// How one storage format steps along k. A step is one k (f32) or a pair of k (bf16); a panel row has 128
// bytes.
struct FormatF32 {
  using Element = float;
  using Operand = Vec;
  static constexpr int kStepElements = 1;
  static constexpr int64_t kBlockSteps = 1024;
  static DMOE_INLINE Operand weights(const float* p) { return load(p); }
  static DMOE_INLINE Operand broadcast(const float* p) { return set1(*p); }
  static DMOE_INLINE Vec multiply_add(Operand w, Operand x, Vec acc) { return fma(w, x, acc); }
};
struct FormatBf16 {
  using Element = uint16_t;
  using Operand = PairVec;
  static constexpr int kStepElements = 2;
  static constexpr int64_t kBlockSteps = 1024;
  static DMOE_INLINE Operand weights(const uint16_t* p) { return load_pairs(p); }
  static DMOE_INLINE Operand broadcast(const uint16_t* p) { return broadcast_pair(p); }
  static DMOE_INLINE Vec multiply_add(Operand w, Operand x, Vec acc) { return dot_pairs(w, x, acc); }
};

// R rows x P panels in registers over steps [from, to). Panels are panel_stride elements apart.
template <class Format, int R, int P>
DMOE_INLINE void gemm_tile(const void* const* rows, const typename Format::Element* panels,
                           int64_t panel_stride, int64_t from, int64_t to, float* out, int64_t out_stride) {
  using Element = typename Format::Element;
  constexpr int kVectors = 2 * P;
  constexpr int kVectorElements = 16 * Format::kStepElements;
  const Element* x[R];
  Vec acc[R][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    x[r] = static_cast<const Element*>(rows[r]);
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) acc[r][v] = from == 0 ? zero() : load(out + r * out_stride + 16 * v);
  }
  for (int64_t step = from; step < to; ++step) {
    typename Format::Operand w[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      w[v] = Format::weights(panels + (v / 2) * panel_stride + (2 * step + v % 2) * kVectorElements);
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

// Runs the tile of exactly `rows_left` <= R rows.
template <class Format, int R, int P>
DMOE_INLINE void gemm_tile_of(int rows_left, const void* const* rows, const typename Format::Element* panels,
                              int64_t panel_stride, int64_t from, int64_t to, float* out,
                              int64_t out_stride) {
  if (rows_left == R) {
    gemm_tile<Format, R, P>(rows, panels, panel_stride, from, to, out, out_stride);
  } else if constexpr (R > 1) {
    gemm_tile_of<Format, R - 1, P>(rows_left, rows, panels, panel_stride, from, to, out, out_stride);
  }
}

// All rows against P panels; a block of k stays in cache while the row tiles pass over it.
template <class Format, int P>
__attribute__((noinline)) void gemm_columns(const PanelGemm& g, const typename Format::Element* panels,
                                            int64_t panel_stride, float* out) {
  const int64_t steps = (g.k + Format::kStepElements - 1) / Format::kStepElements;
  const int64_t tiles = (g.m + kTileRows - 1) / kTileRows;
  const int64_t block = tiles > 1 ? Format::kBlockSteps : steps;
  for (int64_t from = 0; from < steps; from += block) {
    const int64_t to = from + block < steps ? from + block : steps;
    for (int64_t tile = 0; tile < tiles; ++tile) {  // rows are dealt evenly: 7 rows are 4 + 3, not 6 + 1
      const int64_t row = g.m * tile / tiles;
      const int count = static_cast<int>(g.m * (tile + 1) / tiles - row);
      gemm_tile_of<Format, kTileRows, P>(count, g.rows + row, panels, panel_stride, from, to,
                                         out + row * g.out_stride, g.out_stride);
    }
  }
}

// One row: more panels at once hide the latency of the fma and keep several streams of weights in flight.
template <class Format>
__attribute__((noinline)) void gemm_row(const PanelGemm& g, const typename Format::Element* panels,
                                        int64_t panel_stride, float* out) {
  const int64_t steps = (g.k + Format::kStepElements - 1) / Format::kStepElements;
  gemm_tile<Format, 1, kRowPanels>(g.rows, panels, panel_stride, 0, steps, out, g.out_stride);
}

template <class Format>
DMOE_INLINE void panel_gemm(const PanelGemm& g) {
  const int64_t steps = (g.k + Format::kStepElements - 1) / Format::kStepElements;
  const int64_t panel_stride = steps * Format::kStepElements * kPanelColumns;
  const typename Format::Element* panels = static_cast<const typename Format::Element*>(g.panels);
  int64_t panel = 0;
  if (g.m == 1) {
    for (; panel + kRowPanels <= g.panel_count; panel += kRowPanels) {
      gemm_row<Format>(g, panels + panel * panel_stride, panel_stride, g.out + panel * kPanelColumns);
    }
  } else {
    for (; panel + kTilePanels <= g.panel_count; panel += kTilePanels) {
      gemm_columns<Format, kTilePanels>(g, panels + panel * panel_stride, panel_stride,
                                        g.out + panel * kPanelColumns);
    }
  }
  for (; panel < g.panel_count; ++panel) {
    gemm_columns<Format, 1>(g, panels + panel * panel_stride, panel_stride, g.out + panel * kPanelColumns);
  }
}

// static: a TU that uses one of them must not warn about the other.
[[maybe_unused]] void panel_gemm_f32(const PanelGemm& g) { panel_gemm<FormatF32>(g); }
[[maybe_unused]] void panel_gemm_bf16(const PanelGemm& g) { panel_gemm<FormatBf16>(g); }

}  // namespace
}  // namespace dmoe
