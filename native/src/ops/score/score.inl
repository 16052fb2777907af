// score: the body of every level. Plain loops over 16 lanes; the level's flags make vectors of them.

#include "core/rules/score.hpp"

#define DMOE_SCORE inline __attribute__((always_inline))

namespace dmoe {
namespace {

// Calls lane(j, x[i]) for every element, element i in lane i % 16.
template <class Lane>
DMOE_SCORE void for_lanes(const float* x, int64_t n, Lane lane) {
  int64_t i = 0;
  for (; i + DMOE_TREE_LANES <= n; i += DMOE_TREE_LANES)
    for (int j = 0; j < DMOE_TREE_LANES; ++j) lane(j, x[i + j]);
  for (int j = 0; i + j < n; ++j) lane(j, x[i + j]);
}

// The two largest of a row: per lane, then over lanes. Exact.
DMOE_SCORE void two_largest(const float* x, int64_t n, float* first, float* second) {
  float a[DMOE_TREE_LANES], b[DMOE_TREE_LANES];
  for (int j = 0; j < DMOE_TREE_LANES; ++j) a[j] = b[j] = -__builtin_inff();
  for_lanes(
      x, n, [&](int j, float v) __attribute__((always_inline)) {
        const float lower = v < a[j] ? v : a[j];
        b[j] = lower > b[j] ? lower : b[j];
        a[j] = v > a[j] ? v : a[j];
      });
  float best = a[0], next = b[0];
  for (int j = 1; j < DMOE_TREE_LANES; ++j) {
    const float lower = a[j] < best ? a[j] : best;
    next = lower > next ? lower : next;
    next = b[j] > next ? b[j] : next;
    best = a[j] > best ? a[j] : best;
  }
  *first = best;
  *second = next;
}

DMOE_SCORE void score_margin(const ScoreRows& task) {
  for (int64_t r = 0; r < task.rows; ++r) {
    float first, second;
    two_largest(task.data + r * task.stride, task.columns, &first, &second);
    task.scores[r] = rule_margin(task.sigmoid, task.columns, first, second);
  }
}

DMOE_SCORE void score_entropy(const ScoreRows& task) {
  for (int64_t r = 0; r < task.rows; ++r) {
    const float* x = task.data + r * task.stride;
    float best, second;
    two_largest(x, task.columns, &best, &second);
    float s[DMOE_TREE_LANES] = {0.0f}, a[DMOE_TREE_LANES] = {0.0f};
    for_lanes(
        x, task.columns, [&](int j, float v) __attribute__((always_inline)) {
          const float d = rule_distance(best, v, task.temperature);
          const float e = rule_exp(-d);
          s[j] += e;
          a[j] = rule_fma(d, e, a[j]);
        });
    const float sum = rule_tree_fold(s);
    task.scores[r] = rule_softmax_entropy(sum, rule_tree_fold(a));
  }
}

DMOE_SCORE void score_shares(const ScoreRows& task) {
  for (int64_t r = 0; r < task.rows; ++r) {
    const float total = task.totals[r];
    float h[DMOE_TREE_LANES] = {0.0f};
    if (total >= DMOE_SMALLEST_NORMAL)
      for_lanes(
          task.data + r * task.stride, task.columns, [&](int j, float v) __attribute__((always_inline)) {
            const float p = v / total;
            h[j] = rule_fma(-p, rule_log_normal(p), h[j]);
          });
    const float entropy = rule_tree_fold(h);
    task.scores[r] = entropy > 0.0f ? entropy : 0.0f;
  }
}

DMOE_SCORE void score_l2(const ScoreRows& task) {
  for (int64_t r = 0; r < task.rows; ++r) {
    double lanes[DMOE_TREE_LANES] = {0.0};
    for_lanes(
        task.data + r * task.stride, task.columns, [&](int j, float v) __attribute__((always_inline)) {
          lanes[j] += static_cast<double>(v) * static_cast<double>(v);
        });
    for (int width = DMOE_TREE_LANES / 2; width > 0; width /= 2)
      for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
    task.scores[r] = static_cast<float>(__builtin_sqrt(lanes[0]));
  }
}

DMOE_SCORE void score_attention(const ScoreRows& task) {
  for (int64_t r = 0; r < task.rows; ++r) {
    const float* x = task.data + r * task.stride;
    float best, second;
    two_largest(x, task.columns, &best, &second);
    if (!(best > 0.0f)) {
      task.scores[r] = 0.0f;
      continue;
    }
    float s[DMOE_TREE_LANES] = {0.0f}, h[DMOE_TREE_LANES] = {0.0f};
    for_lanes(
        x, task.columns, [&](int j, float v) __attribute__((always_inline)) {
          s[j] += rule_sharpened(v, best, task.temperature);
        });
    const float sum = rule_tree_fold(s);
    for_lanes(
        x, task.columns, [&](int j, float v) __attribute__((always_inline)) {
          const float p = rule_sharpened(v, best, task.temperature) / sum;
          h[j] = rule_fma(-p, rule_log_normal(p + task.epsilon), h[j]);
        });
    const float entropy = rule_tree_fold(h);
    task.scores[r] = entropy > 0.0f ? entropy : 0.0f;
  }
}

}  // namespace
}  // namespace dmoe
