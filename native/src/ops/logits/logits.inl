// logits: the body of every level. Include after a simd_*.hpp and panel_gemm.inl.

#include "core/rules/noise.hpp"

namespace dmoe {
namespace {

DMOE_INLINE void logits(const Logits& task) {
  constexpr int64_t kRows = 64;
  const void* rows[kRows];
  for (int64_t first = 0; first < task.rows; first += kRows) {
    const int64_t count = task.rows - first < kRows ? task.rows - first : kRows;
    for (int64_t r = 0; r < count; ++r) rows[r] = task.hidden + (first + r) * task.hidden_stride;
    float* out = task.logits + first * task.logits_stride;
    panel_gemm_f32(PanelGemm{rows, count, task.K, task.packed, task.panels, out, task.logits_stride});
    if (task.bias == nullptr) continue;
    for (int64_t r = 0; r < count; ++r)
      for (int64_t c = 0; c < task.panels * kPanelColumns; ++c)
        out[r * task.logits_stride + c] += task.bias[c];
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
