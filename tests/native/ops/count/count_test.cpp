// count: every kernel is the rule.
#include "ops/count/count.hpp"

#include <gtest/gtest.h>

#include "core/rules/choice.hpp"
#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

TEST(CountOp, Count_FromScores_IsTheRule) {
  Random random(5);
  for (const auto& line : kernel_lines<count_kernel>("count"))
    for (int64_t tokens : {0, 1, 33}) {
      std::vector<float> scores;
      for (int64_t t = 0; t < tokens; ++t) scores.push_back(static_cast<float>(random.below(101)) / 100.0f);
      std::vector<int32_t> limits(static_cast<size_t>(tokens), -1);
      line.run(Count{tokens, scores.data(), nullptr, 2, 7, 0.25f, limits.data()});
      for (size_t t = 0; t < limits.size(); ++t) EXPECT_EQ(limits[t], rule_count(2, 7, scores[t], 0.25f));
    }
}

TEST(CountOp, Count_WhenGiven_IsClamped) {
  const int32_t given[] = {-5, 1, 4, 99};
  const float scores[4] = {};
  int32_t limits[4];
  for (const auto& line : kernel_lines<count_kernel>("count")) {
    line.run(Count{4, scores, given, 2, 6, 0, limits});
    EXPECT_EQ(limits[0], 2);
    EXPECT_EQ(limits[1], 2);
    EXPECT_EQ(limits[2], 4);
    EXPECT_EQ(limits[3], 6);
  }
}

}  // namespace
}  // namespace dmoe::test
