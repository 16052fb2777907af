// weight_blocks: float16 both ways, and the bounds of the rounding of weights.
#include "engine/weight_blocks.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "dynamicmoe/dynamicmoe.h"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

TEST(WeightBlocks, F16_WhenAnyFiniteValue_SurvivesTheWayThereAndBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    if ((half & 0x7c00) == 0x7c00) continue;
    ASSERT_EQ(to_f16(from_f16(half)), half);
  }
}

TEST(WeightBlocks, F16_WhenBetweenTwoValues_TakesTheNearestWithTiesToEven) {
  for (uint16_t half = 0; half < 0x7bff; ++half) {
    const float low = from_f16(half), high = from_f16(static_cast<uint16_t>(half + 1));
    const float middle = low + (high - low) / 2;
    const uint16_t even = half % 2 == 0 ? half : static_cast<uint16_t>(half + 1);
    ASSERT_EQ(to_f16(middle), even) << half;
    ASSERT_EQ(to_f16(std::nextafter(middle, low)), half);
    ASSERT_EQ(to_f16(std::nextafter(middle, high)), half + 1);
    ASSERT_EQ(to_f16(-middle), even | 0x8000);
  }
  EXPECT_EQ(to_f16(65519.0f), 0x7bff);
  EXPECT_EQ(to_f16(65520.0f), 0x7c00);
}

void expect_rounded(int32_t format, const std::vector<float>& w) {
  const WeightBlock block = round_weights(format, w.data());
  const auto scale = static_cast<double>(from_f16(block.scale));
  const bool q8 = format == DMOE_FORMAT_Q8;
  const double bound = (q8 ? 0.5 + 0x1p-15 : 1 + 0x1p-8) * std::abs(scale) + (q8 ? 0x1p-18 : 0x1p-22);
  for (size_t i = 0; i < 32; ++i) {
    ASSERT_GE(block.value[i], q8 ? -127 : -8);
    ASSERT_LE(block.value[i], q8 ? 127 : 7);
    ASSERT_LE(std::abs(static_cast<double>(w[i]) - scale * block.value[i]), bound) << format << " " << w[i];
  }
}

TEST(WeightBlocks, Round_WhenAnyMagnitude_IsWithinItsBound) {
  Random random(21);
  for (int32_t format : {DMOE_FORMAT_Q8, DMOE_FORMAT_Q4}) {
    for (int exponent = -40; exponent <= 18; ++exponent) {
      expect_rounded(format, random.normals(32, std::ldexp(0.2f, exponent)));
    }
    expect_rounded(format, std::vector<float>(32, 0.0f));
    std::vector<float> largest(32, largest_weight(format));
    largest[1] = -largest[0];
    expect_rounded(format, largest);
    std::vector<float> one(32, 0.0f);
    one[7] = -3.0f;
    expect_rounded(format, one);
  }
}

TEST(WeightBlocks, Q4_WhenWeightsAreNormal_ErrsLessThanTheScaleThatMapsTheLargestToMinusEight) {
  Random random(22);
  double chosen = 0, plain = 0;
  for (int n = 0; n < 200; ++n) {
    const std::vector<float> w = random.normals(32);
    const WeightBlock block = round_weights(DMOE_FORMAT_Q4, w.data());
    float largest = 0;
    for (float v : w) largest = std::abs(v) > std::abs(largest) ? v : largest;
    const float scale = from_f16(to_f16(largest / -8));
    for (size_t i = 0; i < 32; ++i) {
      const float q = std::min(7.0f, std::max(-8.0f, std::nearbyint(w[i] / scale)));
      plain += std::pow(static_cast<double>(w[i] - scale * q), 2);
      chosen += std::pow(static_cast<double>(w[i] - from_f16(block.scale) * block.value[i]), 2);
    }
  }
  EXPECT_LT(chosen, 0.95 * plain);
}

}  // namespace
}  // namespace dmoe::test
