// dense: the body of every level. Include after a simd_*.hpp, simd_math.inl and panel_gemm.inl.

namespace dmoe {
namespace {

DMOE_INLINE void add_bias(float* y, const float* bias, int64_t columns) {
  for (int64_t c = 0; c < columns; c += 16) store(y + c, add(load(y + c), load(bias + c)));
}

// The panel that N does not fill goes through a buffer of its own: its padding columns must not reach the
// output.
template <class Format>
void dense_last_panel(const Dense& t, PanelGemm panel, const float* bias, int64_t columns) {
  constexpr int64_t kRows = 64;
  alignas(64) float sums[kRows * kPanelColumns];
  float* out = panel.out;
  const int64_t rows = t.gemm.m;
  for (int64_t row = 0; row < rows; row += kRows) {
    panel.rows = t.gemm.rows + row;
    panel.m = rows - row < kRows ? rows - row : kRows;
    panel.out = sums;
    panel.out_stride = kPanelColumns;
    panel_gemm<Format>(panel);
    for (int64_t r = 0; r < panel.m; ++r) {
      if (bias != nullptr) add_bias(sums + r * kPanelColumns, bias, kPanelColumns);
      __builtin_memcpy(out + (row + r) * t.gemm.out_stride, sums + r * kPanelColumns,
                       static_cast<uint64_t>(columns) * sizeof(float));
    }
  }
}

template <class Format>
DMOE_INLINE void dense(const Dense& t) {
  const int64_t whole = t.columns / kPanelColumns;
  PanelGemm g = t.gemm;
  g.panel_count = whole;
  panel_gemm<Format>(g);
  if (t.bias != nullptr) {
    for (int64_t row = 0; row < g.m; ++row)
      add_bias(g.out + row * g.out_stride, t.bias, whole * kPanelColumns);
  }
  if (whole == t.gemm.panel_count) return;
  g.panels = static_cast<const uint8_t*>(t.gemm.panels) + whole * panel_stride<Format>(g.k);
  g.panel_count = 1;
  g.out = t.gemm.out + whole * kPanelColumns;
  dense_last_panel<Format>(t, g, t.bias == nullptr ? nullptr : t.bias + whole * kPanelColumns,
                           t.columns - whole * kPanelColumns);
}

#ifdef DMOE_PANEL_QUANT

DMOE_INLINE void quantise_rows(const QuantiseRows& t) {
  for (int64_t row = 0; row < t.in.count; ++row) {
    quantise_row(t.in.data + row * t.in.stride, t.in.columns, t.offset, t.out + row * t.out_stride);
  }
}

#endif

DMOE_INLINE void round_rows(const RoundRows& t) {
  for (int64_t row = 0; row < t.in.count; ++row) {
    const float* x = t.in.data + row * t.in.stride;
    uint16_t* y = t.out + row * t.out_stride;
    int64_t c = 0;
    for (; c + 16 <= t.in.columns; c += 16) store_bf16(y + c, load(x + c));
    if (c < t.in.columns) {
      store_bf16(y + c, load_partial(x + c, static_cast<int>(t.in.columns - c)));
      c += 16;
    }
    for (; c < t.out_stride; c += 16) store_bf16(y + c, zero());
  }
}

// x - x is 0 for a finite x and NaN otherwise, and NaN survives the sum.
DMOE_INLINE int64_t finite_rows(const Rows& t) {
  for (int64_t row = 0; row < t.count; ++row) {
    const float* x = t.data + row * t.stride;
    Vec probe = zero();
    int64_t c = 0;
    for (; c + 16 <= t.columns; c += 16) {
      const Vec v = load(x + c);
      probe = add(probe, sub(v, v));
    }
    if (c < t.columns) {
      const Vec v = load_partial(x + c, static_cast<int>(t.columns - c));
      probe = add(probe, sub(v, v));
    }
    if (!(sum_tree(probe) == 0.0f)) return row;
  }
  return t.count;
}

DMOE_INLINE void gate_rows(const GateRows& t) {
  for (int64_t row = 0; row < t.in.count; ++row) {
    const float* x = t.in.data + row * t.in.stride;
    Vec acc = zero();
    int64_t c = 0;
    for (; c + 16 <= t.in.columns; c += 16) acc = fma(load(x + c), load(t.gate + c), acc);
    if (c < t.in.columns) {
      const int left = static_cast<int>(t.in.columns - c);
      acc = fma(load_partial(x + c, left), load_partial(t.gate + c, left), acc);
    }
    alignas(64) float lanes[16];
    store(lanes, gated(set1(1.0f), set1(sum_tree(acc))));
    t.out[row] = lanes[0];
  }
}

}  // namespace
}  // namespace dmoe
