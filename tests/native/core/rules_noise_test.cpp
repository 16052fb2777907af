#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/rules/noise.hpp"

namespace dmoe {
namespace {

// Known answers of Random123 (kat_vectors, philox4x32 10).
TEST(RulesNoise, Philox_OnPublishedVectors_GivesThePublishedWords) {
  struct Case {
    uint32_t counter[4], key[2], expected[4];
  };
  const Case cases[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Case& c : cases) {
    uint32_t block[4] = {c.counter[0], c.counter[1], c.counter[2], c.counter[3]};
    rule_philox(block, c.key[0], c.key[1]);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(block[i], c.expected[i]);
  }
}

TEST(RulesNoise, Noise_OfTheZeroBlock_IsTheExactSum) {
  // The halves of 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
  const int sum = 0x6627 + 0xe8d5 + 0xe169 + 0xc58d + 0xbc57 + 0xac4c + 0x9b00 + 0xdbd8;
  EXPECT_EQ(rule_noise(0, 0, 0), static_cast<float>(sum - 262140) * 1.86881e-5f);
}

TEST(RulesNoise, Noise_WhenAnyKeyPartChanges_Changes) {
  const float base = rule_noise(7, 11, 3);
  EXPECT_NE(rule_noise(8, 11, 3), base);
  EXPECT_NE(rule_noise(7 + (uint64_t{1} << 32), 11, 3), base);
  EXPECT_NE(rule_noise(7, 12, 3), base);
  EXPECT_NE(rule_noise(7, 11 + (int64_t{1} << 32), 3), base);
  EXPECT_NE(rule_noise(7, 11, 4), base);
  EXPECT_EQ(rule_noise(7, 11, 3), base);
}

// 2^18 draws: the mean of a fair generator has deviation 2^-9, its variance sqrt(2/n) = 2.8e-3 (kurtosis of a
// sum of eight uniforms is 2.85, so a little less). The limits are five deviations: a fair generator fails
// once in 1.7 million runs, and a shift of the mean by 0.016 or of the variance by 0.022 is found with a
// power above 99 %.
TEST(RulesNoise, Noise_OverManyKeys_HasMeanZeroAndVarianceOne) {
  const int64_t n = int64_t{1} << 18;
  double sum = 0, squares = 0, neighbours = 0, last = 0, largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double z = static_cast<double>(rule_noise(123456789, i / 8, static_cast<int32_t>(i % 8)));
    sum += z;
    squares += z * z;
    neighbours += z * last;
    last = z;
    largest = std::max(largest, std::abs(z));
  }
  const double count = static_cast<double>(n);
  EXPECT_LE(std::abs(sum / count), 5.0 / 512);
  EXPECT_LE(std::abs(squares / count - 1), 5 * std::sqrt(2.0 / count));
  EXPECT_LE(std::abs(neighbours / count), 5.0 / 512);
  EXPECT_LE(largest, 4.9);
}

}  // namespace
}  // namespace dmoe
