// score.cu against ops/score and the figures of the ABI: the same bits.
#include "ops/score/score.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "cuda/kernels/launches.hpp"
#include "support/cases/row_cases.hpp"
#include "support/kernel_lines.hpp"
#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

struct ScoreRule {
  int32_t sigmoid = 0;
  float temperature = 1, epsilon = 0;
};

cuda::ScoreTask score_task(const std::vector<float>& rows, int64_t columns, const ScoreRule& rule,
                           std::vector<float>& scores, cuda::Failures& failures) {
  cuda::ScoreTask task{};
  task.data = rows.data();
  task.stride = columns;
  task.columns = static_cast<int32_t>(columns);
  task.rows = static_cast<int32_t>(static_cast<int64_t>(rows.size()) / columns);
  scores.assign(static_cast<size_t>(task.rows), -7.0f);
  task.scores = scores.data();
  task.sigmoid = rule.sigmoid;
  task.temperature = rule.temperature;
  task.epsilon = rule.epsilon;
  task.failures = &failures;
  return task;
}

void expect_same(const char* op, const char* entry, const std::vector<std::vector<float>>& rows,
                 const ScoreRule& rule) {
  auto* const cpu = kernel_lines<score_margin_kernel>(op).back().run;
  for (const auto& row : rows) {
    const auto columns = static_cast<int64_t>(row.size());
    float expected = -1;
    ScoreRows task{};
    task.data = row.data();
    task.stride = task.columns = columns;
    task.rows = 1;
    task.scores = &expected;
    task.sigmoid = rule.sigmoid;
    task.temperature = rule.temperature;
    task.epsilon = rule.epsilon;
    cpu(task);
    for (KernelRunner* runner : runners()) {
      std::vector<float> scores;
      auto failures = no_failures();
      const auto device = score_task(row, columns, rule, scores, failures);
      launch(*runner, entry, cuda::launch_score(device), device);
      EXPECT_TRUE(same_bits(scores[0], expected)) << runner->name() << " " << entry << " columns " << columns
                                                  << ": " << scores[0] << " and " << expected;
      EXPECT_EQ(failures.not_finite, cuda::kNoFailure);
    }
  }
}

// A row that holds the extremes of a float, beside the shared ones.
std::vector<std::vector<float>> rows_with_extremes(float scale, bool positive) {
  auto rows = score_rows(scale, positive);
  const float most = std::numeric_limits<float>::max();
  rows.push_back({positive ? 0.0f : -most, 1e-42f, 0.0f, -0.0f, most, most, 1e-38f});
  rows.push_back(std::vector<float>(20, 0.0f));
  return rows;
}

TEST(CudaScore, L2_OfAnyRow_HasTheBitsOfTheCpu) {
  for (float scale : {1e-30f, 1.0f, 1e30f})
    expect_same("score_l2", "dmoe_score_l2", score_rows(scale, false), {});
}
TEST(CudaScore, Margin_OfAnyRow_HasTheBitsOfTheCpu) {
  for (int32_t sigmoid : {0, 1})
    for (float scale : {1.0f, 40.0f})
      expect_same("score_margin", "dmoe_score_margin", rows_with_extremes(scale, false), {sigmoid, 1, 0});
}
TEST(CudaScore, Entropy_OfAnyRow_HasTheBitsOfTheCpu) {
  for (float temperature : {0.3f, 1.0f})
    expect_same("score_entropy", "dmoe_score_entropy", rows_with_extremes(3.0f, false), {0, temperature, 0});
}
TEST(CudaScore, Attention_OfAnyRow_HasTheBitsOfTheCpu) {
  for (float temperature : {1.0f, 4.0f})
    expect_same("score_attention", "dmoe_score_attention", rows_with_extremes(1.0f, true),
                {0, temperature, 1e-8f});
}

TEST(CudaScore, Entropy_OverItsColumns_IsTheFigureOfTheAbi) {
  Random random(21);
  for (int64_t columns : {1, 2, 3, 100}) {
    const auto rows = random.normals(3 * columns);
    std::vector<float> expected(3);
    const auto m = matrix(rows, 3, columns);
    ASSERT_EQ(dmoe_score_softmax_entropy(&m, 0.7f, expected.data()), DMOE_OK);
    for (KernelRunner* runner : runners()) {
      std::vector<float> scores;
      auto failures = no_failures();
      auto task = score_task(rows, columns, {0, 0.7f, 0}, scores, failures);
      task.normalise = 1;
      launch(*runner, "dmoe_score_entropy", cuda::launch_score(task), task);
      EXPECT_TRUE(same_bits(scores, expected)) << runner->name();
    }
  }
}

TEST(CudaScore, Heads_OfAnyAggregation_AreTheFigureOfTheAbi) {
  Random random(22);
  constexpr int64_t kTokens = 4, kHeads = 3, kKeys = 37;
  auto rows = random.normals(kTokens * kHeads * kKeys);
  for (float& v : rows) v = std::abs(v);
  const int32_t visible[] = {0, 1, 2, 37};
  const auto m = matrix(rows, kTokens * kHeads, kKeys);
  for (int32_t aggregation : {DMOE_HEADS_MEAN, DMOE_HEADS_MAX, DMOE_HEADS_MIN})
    for (const int32_t* seen : {static_cast<const int32_t*>(nullptr), visible}) {
      std::vector<float> expected(kTokens);
      ASSERT_EQ(dmoe_score_attention_entropy(&m, kHeads, seen, 0.5f, 1e-8f, aggregation, expected.data()),
                DMOE_OK);
      for (KernelRunner* runner : runners()) {
        std::vector<float> entropies, scores(kTokens);
        auto failures = no_failures();
        const auto task = score_task(rows, kKeys, {0, 0.5f, 1e-8f}, entropies, failures);
        launch(*runner, "dmoe_score_attention", cuda::launch_score(task), task);
        const cuda::HeadsTask heads{entropies.data(), seen,         kTokens, kHeads, kKeys,
                                    aggregation,      scores.data()};
        launch(*runner, "dmoe_score_heads", cuda::launch_heads(heads), heads);
        EXPECT_TRUE(same_bits(scores, expected)) << runner->name() << " " << aggregation;
        EXPECT_EQ(failures.negative, cuda::kNoFailure);
      }
    }
}

TEST(CudaScore, WhenARowIsWrong_NamesTheLowest) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (KernelRunner* runner : runners()) {
    std::vector<float> scores;
    for (float bad : {infinity, -infinity, nan})
      for (const char* entry :
           {"dmoe_score_l2", "dmoe_score_margin", "dmoe_score_entropy", "dmoe_score_attention"}) {
        std::vector<float> rows(5 * 9, 0.5f);
        rows[4 * 9] = rows[2 * 9 + 8] = bad;
        auto failures = no_failures();
        const auto task = score_task(rows, 9, {}, scores, failures);
        launch(*runner, entry, cuda::launch_score(task), task);
        EXPECT_EQ(failures.not_finite, 2) << runner->name() << " " << entry;
        EXPECT_EQ(failures.overflow, cuda::kNoFailure) << entry;
      }
    std::vector<float> large(4 * 3, 1.0f);
    large[3] = large[4] = 3e38f;
    large[10] = -3e38f;
    auto failures = no_failures();
    auto task = score_task(large, 3, {}, scores, failures);
    launch(*runner, "dmoe_score_l2", cuda::launch_score(task), task);
    EXPECT_EQ(failures.overflow, 1) << runner->name();
    EXPECT_EQ(failures.not_finite, cuda::kNoFailure);
    task = score_task(large, 3, {}, scores, failures);
    launch(*runner, "dmoe_score_attention", cuda::launch_score(task), task);
    EXPECT_EQ(failures.negative, 3) << runner->name();
  }
}

}  // namespace
}  // namespace dmoe::test
