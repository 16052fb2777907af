// score: every kernel against double precision within the bounds of score.hpp, and against one another.
#include "ops/score/score.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "support/cases/row_cases.hpp"
#include "support/kernel_lines.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

constexpr double kU = 0x1p-24;

using Exact = std::function<double(const std::vector<double>&)>;
using Bound = std::function<double(const std::vector<double>&)>;

double entropy(std::vector<double> mass, double epsilon = 0) {
  double sum = 0, h = 0;
  for (double m : mass) sum += m;
  if (sum == 0) return 0;
  for (double m : mass)
    if (m > 0) h -= m / sum * std::log(m / sum + epsilon);
  return std::max(h, 0.0);
}

void check(const char* op, const std::vector<std::vector<float>>& rows, ScoreRows task, const Exact& exact,
           const Bound& bound) {
  const auto lines = kernel_lines<score_margin_kernel>(op);
  ASSERT_FALSE(lines.empty());
  for (const auto& row : rows) {
    task.data = row.data();
    task.stride = static_cast<int64_t>(row.size());
    task.rows = 1;
    task.columns = static_cast<int64_t>(row.size());
    const std::vector<double> x(row.begin(), row.end());
    float portable = -1;
    task.scores = &portable;
    lines.back().run(task);
    for (const auto& line : lines) {
      float score = -1;
      task.scores = &score;
      line.run(task);
      EXPECT_TRUE(same_bits(score, portable)) << line.name;
    }
    ASSERT_LE(std::abs(static_cast<double>(portable) - exact(x)), bound(x))
        << op << " columns " << row.size();
  }
}

TEST(ScoreOp, Margin_OfSoftmaxAndSigmoid_IsP2OverP1) {
  for (int sigmoid : {0, 1})
    for (float scale : {0.1f, 1.0f, 40.0f}) {
      ScoreRows task{};
      task.sigmoid = sigmoid;
      const auto two = [](std::vector<double> x) {
        std::sort(x.rbegin(), x.rend());
        return x;
      };
      check(
          "score_margin", score_rows(scale, false), task,
          [&](const std::vector<double>& x) {
            if (x.size() < 2) return 0.0;
            const auto s = two(x);
            return sigmoid ? (1 + std::exp(-s[0])) / (1 + std::exp(-s[1])) : std::exp(s[1] - s[0]);
          },
          [&](const std::vector<double>& x) {
            const auto s = two(x);
            return x.size() < 2 ? 0 : (8 + s[0] - s[1]) * kU;
          });
    }
}

TEST(ScoreOp, Entropy_OfSoftmax_IsWithinItsBound) {
  for (float temperature : {0.3f, 1.0f, 5.0f}) {
    ScoreRows task{};
    task.temperature = temperature;
    check(
        "score_entropy", score_rows(3.0f, false), task,
        [&](const std::vector<double>& x) {
          const double best = *std::max_element(x.begin(), x.end());
          std::vector<double> mass;
          for (double v : x) mass.push_back(std::exp((v - best) / static_cast<double>(temperature)));
          return entropy(mass);
        },
        [](const std::vector<double>& x) {
          const auto n = static_cast<double>(x.size());
          return (n / 16 + 16) * kU * (std::log(n) + 1);
        });
  }
}

TEST(ScoreOp, Shares_OfMasses_IsWithinItsBound) {
  for (const auto& row : score_rows(1.0f, true)) {
    float total = 0;
    double exact_total = 0;
    for (float v : row) exact_total += static_cast<double>(v);
    total = static_cast<float>(exact_total);
    ScoreRows task{};
    task.totals = &total;
    check(
        "score_shares", {row}, task, [](const std::vector<double>& x) { return entropy(x); },
        [](const std::vector<double>& x) {
          const auto n = static_cast<double>(x.size());
          return (n / 16 + 16) * kU * (std::log(n) + 1);
        });
  }
}

TEST(ScoreOp, L2_OfAnyMagnitude_IsWithinOneUlp) {
  for (float scale : {1e-30f, 1.0f, 1e30f})
    check(
        "score_l2", score_rows(scale, false), ScoreRows{},
        [](const std::vector<double>& x) {
          double sum = 0;
          for (double v : x) sum += v * v;
          return std::sqrt(sum);
        },
        [](const std::vector<double>& x) {
          double sum = 0;
          for (double v : x) sum += v * v;
          return 2 * kU * std::sqrt(sum);
        });
}

TEST(ScoreOp, Attention_Sharpened_IsWithinItsBound) {
  for (float temperature : {0.5f, 1.0f, 4.0f})
    for (float epsilon : {0.0f, 1e-8f}) {
      ScoreRows task{};
      task.temperature = temperature;
      task.epsilon = epsilon;
      check(
          "score_attention", score_rows(1.0f, true), task,
          [&](const std::vector<double>& x) {
            std::vector<double> mass;
            for (double v : x) mass.push_back(v > 0 ? std::pow(v, 1 / static_cast<double>(temperature)) : 0);
            return entropy(mass, static_cast<double>(epsilon));
          },
          [&](const std::vector<double>& x) {
            const auto n = static_cast<double>(x.size());
            return (n / 16 + 16) * kU * (std::log(n) + 1) * (1 + 1 / static_cast<double>(temperature));
          });
    }
}

TEST(ScoreOp, Attention_OfZeros_IsZero) {
  const std::vector<float> zeros(20, 0.0f);
  ScoreRows task{};
  task.temperature = 1;
  check(
      "score_attention", {zeros}, task, [](const std::vector<double>&) { return 0.0; },
      [](const std::vector<double>&) { return 0.0; });
}

}  // namespace
}  // namespace dmoe::test
