// The elementary functions of the rules against double precision, on a sample of all floats.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/rules/score.hpp"

namespace dmoe {
namespace {

// Distance in units of the last place of the exact value's binade.
double ulps(float actual, double exact) {
  int exponent;
  std::frexp(exact, &exponent);
  return std::abs(static_cast<double>(actual) - exact) / std::ldexp(1.0, std::max(exponent, -125) - 24);
}

// Visits floats of both signs below a limit; the odd step reaches every exponent and low bit pattern.
template <typename Visit>
void for_floats(uint32_t from, uint32_t to, uint32_t step, bool negative_too, Visit visit) {
  for (uint64_t bits = from; bits <= to; bits += step) {
    visit(rule_float(static_cast<uint32_t>(bits)));
    if (negative_too) visit(rule_float(static_cast<uint32_t>(bits) | 0x80000000u));
  }
}

TEST(RulesMath, Exp_WhenResultIsNormal_IsWithinItsStatedUlps) {
  double worst = 0;
  for_floats(0, 0x42b17217u, 997, true, [&](float x) {
    if (x > -87.33f && x < 88.72f)
      worst = std::max(worst, ulps(rule_exp(x), std::exp(static_cast<double>(x))));
  });
  EXPECT_LE(worst, 1.1);
}

TEST(RulesMath, Exp_AtTheEndsOfItsRange_UnderflowsAndOverflows) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(rule_exp(0.0f), 1.0f);
  EXPECT_EQ(rule_exp(-0.0f), 1.0f);
  EXPECT_EQ(rule_exp(-104.0f), 0.0f);
  EXPECT_EQ(rule_exp(-infinity), 0.0f);
  EXPECT_EQ(rule_exp(-std::numeric_limits<float>::max()), 0.0f);
  EXPECT_EQ(rule_exp(89.0f), infinity);
  EXPECT_EQ(rule_exp(infinity), infinity);
  EXPECT_TRUE(std::isnan(rule_exp(std::numeric_limits<float>::quiet_NaN())));
  // Denormal results keep a few digits: they are multiples of 2^-149.
  EXPECT_NEAR(rule_exp(-95.0f), std::exp(-95.0), std::ldexp(1.0, -149));
}

TEST(RulesMath, Exp_WhenArgumentGrows_NeverFalls) {
  float last = 0;
  for (float x = -104; x < 0; x += 0.001f) {
    const float value = rule_exp(x);
    ASSERT_GE(value, last * (1 - 0x1p-22f)) << x;
    last = value;
  }
}

TEST(RulesMath, Logarithms_WhenArgumentIsNormal_AreWithinTheirStatedUlps) {
  double worst = 0;
  for_floats(0x00800000u, 0x7f7fffffu, 4999, false,
             [&](float x) { worst = std::max(worst, ulps(rule_log(x), std::log(static_cast<double>(x)))); });
  EXPECT_LE(worst, 2.0);
  worst = 0;
  for_floats(0x20000000u, 0x3f800000u, 1999, false, [&](float x) {
    worst = std::max(worst, ulps(rule_log1p_unit(x), std::log1p(static_cast<double>(x))));
  });
  EXPECT_LE(worst, 2.0);
  EXPECT_EQ(rule_log(1.0f), 0.0f);
  EXPECT_EQ(rule_log1p_unit(0.0f), 0.0f);
}

TEST(RulesMath, Sigmoid_OnBothSides_IsWithinItsStatedUlps) {
  double worst = 0, worst_log = 0;
  for_floats(0, 0x42ae0000u, 1999, true, [&](float x) {
    const double exact = 1 / (1 + std::exp(-static_cast<double>(x)));
    worst = std::max(worst, ulps(rule_sigmoid(x), exact));
    worst_log =
        std::max(worst_log, ulps(rule_log_sigmoid(x), -std::log1p(std::exp(-static_cast<double>(x)))));
  });
  EXPECT_LE(worst, 2.5);
  EXPECT_LE(worst_log, 3.0);
  EXPECT_EQ(rule_sigmoid(-200.0f), 0.0f);
  EXPECT_EQ(rule_sigmoid(200.0f), 1.0f);
  EXPECT_EQ(rule_log_sigmoid(-200.0f), -200.0f);
}

TEST(RulesMath, TreeSum_OfAnyLength_UsesSixteenLanesInOrder) {
  for (int64_t n : {0, 1, 15, 16, 17, 40, 1000}) {
    std::vector<float> x(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) x[static_cast<size_t>(i)] = 1.0f / static_cast<float>(i + 3);
    float lanes[16] = {};
    for (int64_t i = 0; i < n; ++i) lanes[i % 16] += x[static_cast<size_t>(i)];
    for (int width : {8, 4, 2, 1})
      for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
    EXPECT_EQ(rule_tree_sum(x.data(), n), lanes[0]) << n;
  }
}

TEST(RulesMath, SoftmaxMass_WhenLogitsAreAnySize_HasItsLargestAtOne) {
  for (float scale : {0.0f, 1.0f, 1e3f, 3e38f}) {
    std::vector<float> l(37), mass(37);
    for (size_t i = 0; i < l.size(); ++i) l[i] = scale * (static_cast<float>((i * 7) % 37) / 18.0f - 1.0f);
    const float total = rule_softmax_mass(l.data(), 37, mass.data());
    EXPECT_EQ(rule_row_max(mass.data(), 37), 1.0f);
    EXPECT_TRUE(std::isfinite(total));
    EXPECT_GE(total, 1.0f);
  }
}

TEST(RulesMath, LogCount_OfEveryCount_IsTheNearestFloat) {
  for (int64_t n = 1; n <= 1 << 20; ++n)
    ASSERT_EQ(rule_log_count(n), static_cast<float>(std::log(static_cast<double>(n)))) << n;
  EXPECT_EQ(rule_log_count(INT32_MAX), static_cast<float>(std::log(2147483647.0)));
}

}  // namespace
}  // namespace dmoe
