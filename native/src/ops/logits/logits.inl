// logits: the body of every level. Include after a simd_*.hpp and panel_gemm.inl.

#include "core/rules/noise.hpp"

namespace dmoe {
namespace {

// R rows against the first 16 columns of a panel, in the order of panel_gemm.
template <int R>
DMOE_INLINE void half_panel_tile(const void* const* rows, const float* panel, int64_t K, float* out,
                                 int64_t stride) {
  const float* x[R];
  Vec sums[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    x[r] = static_cast<const float*>(rows[r]);
    sums[r] = zero();
  }
  for (int64_t k = 0; k < K; ++k) {
    const Vec w = load(panel + k * kPanelColumns);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) sums[r] = fma(w, set1(x[r][k]), sums[r]);
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) store(out + r * stride, sums[r]);
}

DMOE_INLINE void half_panel(const void* const* rows, int64_t count, const float* panel, int64_t K, float* out,
                            int64_t stride) {
  constexpr int kTile = kTileAccumulators < 8 ? kTileAccumulators : 8;
  int64_t r = 0;
  for (; r + kTile <= count; r += kTile) half_panel_tile<kTile>(rows + r, panel, K, out + r * stride, stride);
  for (; r < count; ++r) half_panel_tile<1>(rows + r, panel, K, out + r * stride, stride);
}

DMOE_INLINE void logits(const Logits& task) {
  constexpr int64_t kRows = 64;
  const void* rows[kRows];
  const bool half = task.last_columns <= kPanelColumns / 2;
  const int64_t whole = half ? task.panels - 1 : task.panels;
  for (int64_t first = 0; first < task.rows; first += kRows) {
    const int64_t count = task.rows - first < kRows ? task.rows - first : kRows;
    for (int64_t r = 0; r < count; ++r) rows[r] = task.hidden + (first + r) * task.hidden_stride;
    float* out = task.logits + first * task.logits_stride;
    panel_gemm_f32(PanelGemm{rows, count, task.K, task.packed, whole, out, task.logits_stride});
    if (half)
      half_panel(rows, count, task.packed + whole * kPanelColumns * task.K, task.K,
                 out + whole * kPanelColumns, task.logits_stride);
    if (task.bias == nullptr) continue;
    const int64_t columns = (task.panels - 1) * kPanelColumns + task.last_columns;
    for (int64_t r = 0; r < count; ++r)
      for (int64_t c = 0; c < columns; ++c) out[r * task.logits_stride + c] += task.bias[c];
  }
}

// The compiler makes vectors of the inner loop: each expert is a Philox block of its own.
DMOE_INLINE void noise(const Noise& task) {
  for (int64_t r = 0; r < task.rows; ++r) {
    const int64_t position = task.positions ? task.positions[r] : task.first_position + r;
    float* row = task.logits + r * task.stride;
    for (int32_t e = 0; e < task.experts; ++e)
      row[e] = rule_noisy(row[e], task.factor, rule_noise(task.seed, position, e));
  }
}

}  // namespace
}  // namespace dmoe
