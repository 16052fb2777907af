// logits / portable: one token and one expert at a time.
#include <cmath>

#include "ops/logits/logits.hpp"

namespace dmoe {

void logits_f32__scalar(const float* hidden, int64_t hidden_stride, int64_t rows, const float* packed,
                        const float* bias, int32_t K, int32_t E, int32_t first_panel, int32_t last_panel,
                        float* logits, int64_t logits_stride) {
  for (int32_t panel = first_panel; panel < last_panel; ++panel) {
    const float* weights = packed + static_cast<int64_t>(panel) * K * kLogitsPanel;
    const int32_t first = panel * kLogitsPanel;
    const int32_t columns = E - first < kLogitsPanel ? E - first : kLogitsPanel;
    for (int64_t t = 0; t < rows; ++t) {
      const float* h = hidden + t * hidden_stride;
      for (int32_t j = 0; j < columns; ++j) {
        float sum = 0.0f;
        for (int32_t k = 0; k < K; ++k)
          sum = std::fma(h[k], weights[static_cast<int64_t>(k) * kLogitsPanel + j], sum);
        logits[t * logits_stride + first + j] = bias ? sum + bias[first + j] : sum;
      }
    }
  }
}

}  // namespace dmoe
