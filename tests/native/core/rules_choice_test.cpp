#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/rules/choice.hpp"

namespace dmoe {
namespace {

TEST(RulesChoice, Key_WhenQRises_Rises) {
  const float values[] = {-std::numeric_limits<float>::max(), -1.0f, -1e-40f, 0.0f, 1e-40f, 1.0f,
                          std::numeric_limits<float>::max()};
  for (int i = 0; i + 1 < 7; ++i) {
    EXPECT_LT(rule_key(values[i], 0), rule_key(values[i + 1], 4095));
    EXPECT_GT(rule_key(values[i], 0), DMOE_KEY_MASKED);
  }
}

TEST(RulesChoice, Key_WhenQTies_PrefersTheLowerId) {
  EXPECT_GT(rule_key(0.5f, 3), rule_key(0.5f, 4));
  EXPECT_GT(rule_key(-0.0f, 0), rule_key(0.0f, 1));
  EXPECT_GT(rule_key(0.0f, 0), rule_key(-0.0f, 1));
  EXPECT_EQ(rule_key_id(rule_key(-3.0f, 4095)), 4095);
  for (float q : {-3e38f, -1.5f, -1e-42f, 0.0f, 1e-42f, 2.5f, 3e38f})
    EXPECT_EQ(rule_key_q(rule_key(q, 7)), q);
}

TEST(RulesChoice, Count_WhenHalfway_RoundsToEven) {
  EXPECT_EQ(rule_count(1, 4, 0.5f, 0), 2);  // 2.5
  EXPECT_EQ(rule_count(1, 2, 0.5f, 0), 2);  // 1.5
  EXPECT_EQ(rule_count(2, 5, 0.5f, 0), 4);  // 3.5
  EXPECT_EQ(rule_count(1, 8, 0.5f, 0), 4);  // 4.5
}

TEST(RulesChoice, Count_OverScoresAndOffsets_EqualsTheRoundedFormula) {
  for (int kmin = 1; kmin < 6; ++kmin)
    for (int kmax = kmin; kmax < 12; ++kmax)
      for (int i = 0; i <= 64; ++i)
        for (float offset : {-20.0f, -0.25f, 0.0f, 0.5f, 3.0f, 1e30f}) {
          const float score = static_cast<float>(i) / 64.0f;
          const double x = kmin + (kmax - kmin) * static_cast<double>(score) + static_cast<double>(offset);
          const double expected = std::min<double>(kmax, std::max<double>(kmin, std::nearbyint(x)));
          ASSERT_EQ(rule_count(kmin, kmax, score, offset), expected) << kmin << " " << kmax << " " << score;
        }
}

TEST(RulesChoice, Gap_OfSigmoid_DoesNotUnderflow) {
  EXPECT_EQ(rule_gap(0, 2.0f, -1.0f), 3.0f);
  EXPECT_NEAR(rule_gap(1, -200.0f, -300.0f), 100.0, 1e-4);
  EXPECT_NEAR(rule_gap(1, 1.0f, -1.0f), 1.0, 1e-6);
}

TEST(RulesChoice, Threshold_AtItsEnds_NeverStopsOrStopsAtAnyGap) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(rule_threshold_stops(1e30f, infinity));
  EXPECT_FALSE(rule_threshold_stops(0.0f, 0.0f));
  EXPECT_TRUE(rule_threshold_stops(1e-30f, 0.0f));
}

TEST(RulesChoice, Capacity_WhenTheShareIsFractional_RoundsUp) {
  EXPECT_EQ(rule_capacity(1.0f, 8, 4), 2);
  EXPECT_EQ(rule_capacity(1.0f, 9, 4), 3);
  EXPECT_EQ(rule_capacity(1.25f, 8, 4), 3);
  EXPECT_EQ(rule_capacity(1e-30f, 8, 4), 1);
  EXPECT_EQ(rule_capacity(1.0f, 0, 4), 0);
  EXPECT_EQ(rule_capacity(1.0f, (int64_t{1} << 40) + 1, 4), (int64_t{1} << 38));  // the factor is no finer
  EXPECT_EQ(rule_capacity(std::numeric_limits<float>::max(), 1000, 1), INT64_MAX);
}

TEST(RulesChoice, Capacity_WhenTheFactorIsADecimalFraction_IsNotOneMore) {
  EXPECT_EQ(rule_capacity(1.2f, 100, 10), 12);  // 1.2f is 1.20000005
  EXPECT_EQ(rule_capacity(1.6f, 100, 10), 16);
  EXPECT_EQ(rule_capacity(1.7f, 100, 10), 17);
  EXPECT_EQ(rule_capacity(0.1f, 100, 10), 1);
  EXPECT_EQ(rule_capacity(std::nextafterf(1.2f, 2.0f), 100, 10), 13);
}

}  // namespace
}  // namespace dmoe
