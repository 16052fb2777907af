// distinct: every kernel against hand-made cases and against the definition in double.
#include "ops/distinct/distinct.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

struct Batch {
  int64_t tokens;
  int32_t slots, experts;
  std::vector<float> logits;
  std::vector<int32_t> ids;
  std::vector<uint8_t> mask;
  bool sigmoid = false;
  std::vector<uint8_t> subset;

  bool run(distinct_kernel* kernel, int32_t cap) {
    const auto n = static_cast<size_t>(experts);
    std::vector<float> mass(n);
    std::vector<double> sums(n);
    std::vector<int32_t> order(n);
    subset.assign(n, 7);
    Distinct task{};
    task.logits = logits.data();
    task.stride = experts;
    task.tokens = tokens;
    task.experts = experts;
    task.sigmoid = sigmoid;
    task.mask = mask.empty() ? nullptr : mask.data();
    task.ids = ids.data();
    task.slots = slots;
    task.cap = cap;
    task.mass = mass.data();
    task.sums = sums.data();
    task.order = order.data();
    task.subset = subset.data();
    kernel(task);
    return task.capped != 0;
  }
};

std::vector<double> sums_of(const Batch& b) {
  std::vector<double> sums(static_cast<size_t>(b.experts));
  for (int64_t t = 0; t < b.tokens; ++t) {
    const float* l = b.logits.data() + t * b.experts;
    const double best = *std::max_element(l, l + b.experts);
    double total = 0;
    for (int32_t e = 0; e < b.experts; ++e) total += std::exp(l[e] - best);
    for (size_t e = 0; e < sums.size(); ++e)
      sums[e] += b.sigmoid ? 1 / (1 + std::exp(-static_cast<double>(l[e]))) : std::exp(l[e] - best) / total;
  }
  return sums;
}

// Tokens prefer 0, 0, 1; expert 3 has the largest sum of those that nobody prefers.
Batch small() {
  return Batch{3, 2, 4, {3, 0, 0, 2.9f, 3, 0, 0, 2.9f, 0, 3, 0, 2.9f}, {0, 3, 0, 3, 1, 3}, {}, false, {}};
}

TEST(DistinctOp, Batch_WhenItKeepsWithinTheCap_IsLeftAlone) {
  for (const auto& line : kernel_lines<distinct_kernel>("distinct")) {
    Batch batch = small();
    EXPECT_FALSE(batch.run(line.run, 3));
    EXPECT_FALSE(batch.run(line.run, 100));
  }
}

TEST(DistinctOp, Subset_WhenFirstChoicesFillTheCap_IsMadeOfThem) {
  for (const auto& line : kernel_lines<distinct_kernel>("distinct")) {
    Batch batch = small();
    ASSERT_TRUE(batch.run(line.run, 2));
    EXPECT_EQ(batch.subset, (std::vector<uint8_t>{1, 1, 0, 0}));
    ASSERT_TRUE(batch.run(line.run, 1));
    EXPECT_EQ(batch.subset, (std::vector<uint8_t>{1, 0, 0, 0}));
  }
}

TEST(DistinctOp, Subset_WhenThereIsRoomLeft_IsFilledBySumOfP) {
  for (const auto& line : kernel_lines<distinct_kernel>("distinct")) {
    Batch batch = small();
    batch.ids = {0, 3, 0, 2, 0, 1};  // used: all four; first choice: 0 only
    ASSERT_TRUE(batch.run(line.run, 2));
    EXPECT_EQ(batch.subset, (std::vector<uint8_t>{1, 0, 0, 1}));
    batch.mask = {1, 1, 1, 0};
    ASSERT_TRUE(batch.run(line.run, 2));
    EXPECT_EQ(batch.subset, (std::vector<uint8_t>{1, 1, 0, 0}));
  }
}

TEST(DistinctOp, Subset_WhenAllLogitsAreEqual_TakesTheLowestIds) {
  for (const auto& line : kernel_lines<distinct_kernel>("distinct")) {
    Batch batch{4, 2, 8, std::vector<float>(32, 1.5f), {7, 6, 5, 4, 3, 2, 1, 0}, {}, false, {}};
    ASSERT_TRUE(batch.run(line.run, 6));
    EXPECT_EQ(batch.subset, (std::vector<uint8_t>{1, 1, 1, 1, 0, 1, 0, 1}));
  }
}

TEST(DistinctOp, Subset_OnRandomBatches_FollowsTheDefinition) {
  Random random(41);
  int compared = 0;
  for (const auto& line : kernel_lines<distinct_kernel>("distinct"))
    for (int run = 0; run < 200; ++run) {
      Batch b{1 + random.below(40), 2, static_cast<int32_t>(4 + random.below(60)), {}, {}, {},
              run % 2 == 1,         {}};
      b.logits = random.normals(b.tokens * b.experts, run % 3 == 0 ? 60.0f : 1.0f);
      std::vector<uint8_t> first(static_cast<size_t>(b.experts));
      for (int64_t t = 0; t < b.tokens; ++t) {
        const auto row = b.logits.begin() + t * b.experts;
        const auto best = static_cast<int32_t>(std::max_element(row, row + b.experts) - row);
        b.ids.push_back(best);
        b.ids.push_back((best + 1) % b.experts);
        first[static_cast<size_t>(best)] = 1;
      }
      const std::vector<double> sums = sums_of(b);
      std::vector<int32_t> order(static_cast<size_t>(b.experts));
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](int32_t x, int32_t y) {
        const auto i = static_cast<size_t>(x), j = static_cast<size_t>(y);
        return first[i] != first[j] ? first[i] > first[j] : sums[i] > sums[j];
      });
      const auto cap = static_cast<int32_t>(1 + random.below(b.experts - 1));
      if (!b.run(line.run, cap)) continue;
      const auto in = static_cast<size_t>(order[static_cast<size_t>(cap - 1)]);
      const auto out = static_cast<size_t>(order[static_cast<size_t>(cap)]);
      // The p of the gate's polynomials are within 1e-6; sums as close as that may change places.
      if (first[in] == first[out] && sums[in] - sums[out] < 1e-5 * sums[in] + 1e-12) continue;
      ++compared;
      for (int32_t i = 0; i < b.experts; ++i)
        EXPECT_EQ(b.subset[static_cast<size_t>(order[static_cast<size_t>(i)])], i < cap) << line.name << run;
    }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace dmoe::test
