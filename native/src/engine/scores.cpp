#include "engine/scores.hpp"

#include <algorithm>
#include <cmath>

#include "core/rules/score.hpp"
#include "core/status.hpp"
#include "core/thread_pool.hpp"
#include "engine/cpu.hpp"
#include "engine/kernel_table.hpp"

namespace dmoe {
namespace {

constexpr int64_t kRowBlock = 16;
constexpr int64_t kSerialElements = 32 * 1024;

void require_finite_rows(const MatrixView& m, const char* what) {
  for (int64_t t = 0; t < m.rows; ++t) {
    const int64_t bad = first_not_finite(m.row(t), m.columns);
    DMOE_REQUIRE(bad < 0, DMOE_E_NOT_FINITE, "%s %lld holds %g at column %lld", what,
                 static_cast<long long>(t), static_cast<double>(m.row(t)[bad]), static_cast<long long>(bad));
  }
}

void check_scores(const MatrixView& m, int64_t count, const float* scores) {
  if (count == 0) return;
  require_pointer(scores, "scores");
  const Span out = span_of(scores, count, "scores"), in = span_of(m, "rows");
  require_disjoint(&out, 1, &in, 1);
}

void require_temperature(float temperature) {
  DMOE_REQUIRE(std::isfinite(temperature) && temperature > 0, DMOE_E_OPTIONS,
               "temperature is %g, must be finite and > 0", static_cast<double>(temperature));
}

template <typename Kernel>
void run_rows(const MatrixView& m, ScoreRows task, Kernel* kernel, float* scores) {
  const int64_t blocks = (m.rows + kRowBlock - 1) / kRowBlock;
  const int threads = m.rows * m.columns < kSerialElements ? 1 : region_threads(0);
  parallel_for(blocks, threads, [&](int64_t block, int) {
    const int64_t row = block * kRowBlock;
    ScoreRows part = task;
    part.data = m.row(row);
    part.stride = m.stride;
    part.rows = std::min(kRowBlock, m.rows - row);
    part.columns = m.columns;
    part.scores = scores + row;
    kernel(part);
  });
}

const KernelTable& table() { return kernel_table(resolve_isa(DMOE_ISA_AUTO)); }

// H / ln n within [0, 1]; 0 when there is nothing to choose from.
float normalised(float entropy, int64_t choices) {
  if (choices < 2) return 0.0f;
  return std::clamp(entropy / rule_log_count(choices), 0.0f, 1.0f);
}

}  // namespace

void score_l2_norm(const MatrixView& rows, float* scores) {
  check_scores(rows, rows.rows, scores);
  require_finite_rows(rows, "row");
  run_rows(rows, ScoreRows{}, table().score_l2, scores);
  const int64_t bad = first_not_finite(scores, rows.rows);
  DMOE_REQUIRE(bad < 0, DMOE_E_OVERFLOW, "the norm of row %lld exceeds the range of float32",
               static_cast<long long>(bad));
}

void score_softmax_entropy(const MatrixView& rows, float temperature, float* scores) {
  require_temperature(temperature);
  check_scores(rows, rows.rows, scores);
  require_finite_rows(rows, "row");
  ScoreRows task{};
  task.temperature = temperature;
  run_rows(rows, task, table().score_entropy, scores);
  for (int64_t t = 0; t < rows.rows; ++t) scores[t] = normalised(scores[t], rows.columns);
}

void score_softmax_margin(const MatrixView& rows, float* scores) {
  check_scores(rows, rows.rows, scores);
  require_finite_rows(rows, "row");
  run_rows(rows, ScoreRows{}, table().score_margin, scores);
}

void score_attention_entropy(const MatrixView& rows, const AttentionEntropy& options, float* scores) {
  require_temperature(options.temperature);
  DMOE_REQUIRE(std::isfinite(options.epsilon) && options.epsilon >= 0, DMOE_E_OPTIONS,
               "epsilon is %g, must be finite and >= 0", static_cast<double>(options.epsilon));
  require_option(options.aggregation, DMOE_HEADS_MEAN, DMOE_HEADS_MIN, "aggregation");
  require_option(options.heads, 1, 65536, "heads");
  DMOE_REQUIRE(rows.rows % options.heads == 0, DMOE_E_SHAPE,
               "attention has %lld rows, must be a multiple of heads (%d)", static_cast<long long>(rows.rows),
               options.heads);
  const int64_t tokens = rows.rows / options.heads;
  check_scores(rows, tokens, scores);
  require_finite_rows(rows, "attention row");
  for (int64_t r = 0; r < rows.rows; ++r)
    for (int64_t c = 0; c < rows.columns; ++c)
      DMOE_REQUIRE(rows.row(r)[c] >= 0, DMOE_E_ARGUMENT,
                   "attention row %lld holds %g at column %lld, must be >= 0", static_cast<long long>(r),
                   static_cast<double>(rows.row(r)[c]), static_cast<long long>(c));
  for (int64_t t = 0; options.visible && t < tokens; ++t)
    DMOE_REQUIRE(options.visible[t] >= 0 && options.visible[t] <= rows.columns, DMOE_E_ARGUMENT,
                 "visible[%lld] is %d, must be within 0..%lld", static_cast<long long>(t), options.visible[t],
                 static_cast<long long>(rows.columns));

  auto* const kernel = table().score_attention;
  const int threads = rows.rows * rows.columns < kSerialElements ? 1 : region_threads(0);
  parallel_for(tokens, threads, [&](int64_t t, int) {
    const int64_t visible = options.visible ? options.visible[t] : rows.columns;
    // Heads in blocks on the stack; mean needs all of them, so partial sums are kept in double.
    constexpr int32_t kHeads = 64;
    float part[kHeads];
    double sum = 0;
    float most = 0, least = 1;
    for (int32_t head = 0; head < options.heads; head += kHeads) {
      const int32_t count = std::min(kHeads, options.heads - head);
      ScoreRows task{};
      task.data = rows.row(t * options.heads + head);
      task.stride = rows.stride;
      task.rows = count;
      task.columns = rows.columns;
      task.scores = part;
      task.temperature = options.temperature;
      task.epsilon = options.epsilon;
      kernel(task);
      for (int32_t h = 0; h < count; ++h) {
        const float value = normalised(part[h], visible);
        sum += static_cast<double>(value);
        most = std::max(most, value);
        least = std::min(least, value);
      }
    }
    scores[t] = options.aggregation == DMOE_HEADS_MAX   ? most
                : options.aggregation == DMOE_HEADS_MIN ? least
                                                        : static_cast<float>(sum / options.heads);
  });
}

}  // namespace dmoe
