#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/rules/rank.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

std::vector<int32_t> rank(const RankRules& rules, const std::vector<float>& logits,
                          const std::vector<float>& p, int32_t n, int32_t* usable) {
  std::vector<uint64_t> keys(static_cast<size_t>(n + rules.groups));
  const int32_t count = rule_rank(&rules, logits.data(), p.data(), 1.0f, n, keys.data(), usable);
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < count; ++i) ids.push_back(rule_key_id(keys[static_cast<size_t>(i)]));
  return ids;
}

RankRules plain(int32_t experts) { return RankRules{experts, 0, 1, 1, 0, nullptr, nullptr}; }

TEST(RulesRank, Rank_OfAnyLength_EqualsAStableSort) {
  Random random(3);
  for (int32_t experts : {1, 2, 8, 33, 64, 300}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<float> logits;
      // Few distinct values: many ties.
      for (int32_t e = 0; e < experts; ++e) logits.push_back(static_cast<float>(random.below(7)) - 3.0f);
      std::vector<int32_t> expected(static_cast<size_t>(experts));
      for (int32_t e = 0; e < experts; ++e) expected[static_cast<size_t>(e)] = e;
      std::stable_sort(expected.begin(), expected.end(), [&](int32_t a, int32_t b) {
        return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
      });
      for (int32_t n : {1, 2, 31, 32, 33, experts}) {
        if (n > experts) continue;
        int32_t usable = 0;
        const auto ids = rank(plain(experts), logits, logits, n, &usable);
        EXPECT_EQ(usable, experts);
        ASSERT_EQ(ids, std::vector<int32_t>(expected.begin(), expected.begin() + n)) << experts << " " << n;
      }
    }
  }
}

TEST(RulesRank, Rank_WhenExpertsAreMasked_LeavesThemOut) {
  const std::vector<float> logits = {5, 4, 3, 2, 1};
  const uint8_t mask[] = {0, 1, 0, 1, 1};
  RankRules rules = plain(5);
  rules.mask = mask;
  int32_t usable = 0;
  EXPECT_EQ(rank(rules, logits, logits, 5, &usable), (std::vector<int32_t>{1, 3, 4}));
  EXPECT_EQ(usable, 3);
}

TEST(RulesRank, Rank_WithABias_OrdersByProbabilityPlusBias) {
  const std::vector<float> logits = {3, 2, 1}, p = {0.6f, 0.3f, 0.1f};
  const float bias[] = {-0.5f, 0.0f, 0.15f};
  RankRules rules = plain(3);
  rules.bias = bias;
  int32_t usable = 0;
  EXPECT_EQ(rank(rules, logits, p, 3, &usable), (std::vector<int32_t>{1, 2, 0}));
}

TEST(RulesRank, Rank_WithGroups_KeepsTheBestByMaxOrByTop2Sum) {
  // Groups {0,1} {2,3} {4,5}: the best expert is alone in its group, the best pair is elsewhere.
  const std::vector<float> logits = {9, -9, 8, 7, 6, 6}, p = {0.40f, 0.01f, 0.25f, 0.20f, 0.07f, 0.07f};
  RankRules rules = plain(6);
  rules.groups = 3;
  rules.top_groups = 1;
  int32_t usable = 0;
  EXPECT_EQ(rank(rules, logits, p, 6, &usable), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(usable, 2);
  rules.top2_sum = 1;
  EXPECT_EQ(rank(rules, logits, p, 6, &usable), (std::vector<int32_t>{2, 3}));
}

TEST(RulesRank, Rank_WhenGroupsTie_KeepsTheLower) {
  const std::vector<float> logits = {1, 2, 2, 1, 2, 1};
  RankRules rules = plain(6);
  rules.groups = 3;
  rules.top_groups = 2;
  int32_t usable = 0;
  EXPECT_EQ(rank(rules, logits, logits, 6, &usable), (std::vector<int32_t>{1, 2, 0, 3}));
}

TEST(RulesRank, Rank_WhenAGroupIsMasked_NeverKeepsIt) {
  const std::vector<float> logits = {9, 9, 1, 1, 0, 0};
  const uint8_t mask[] = {0, 0, 1, 0, 1, 1};
  RankRules rules = plain(6);
  rules.groups = 3;
  rules.top_groups = 2;
  rules.mask = mask;
  int32_t usable = 0;
  EXPECT_EQ(rank(rules, logits, logits, 6, &usable), (std::vector<int32_t>{2, 4, 5}));
  EXPECT_EQ(usable, 3);
}

}  // namespace
}  // namespace dmoe::test
