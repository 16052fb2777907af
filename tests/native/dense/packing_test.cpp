// packing: conversions of every source type, and what counts as finite in a format.
#include "engine/packing.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

// The value that a 1 x 1 matrix packs to.
float packed(const void* value, int32_t dtype, int32_t format) {
  alignas(64) uint32_t panel[64];
  pack_panels({value, dtype, 1, 1}, format, panel);
  for (int i = 1; i < 32; ++i) EXPECT_EQ(panel[i], 0u);
  float f32;
  std::memcpy(&f32, panel, sizeof f32);
  return format == DMOE_FORMAT_F32 ? f32 : from_bf16(static_cast<uint16_t>(panel[0]));
}

TEST(Packing, WhenTheSourceIsF16_ConvertsEveryFiniteValueExactly) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7c00) == 0x7c00) continue;
    const uint16_t half = static_cast<uint16_t>(bits);
    const int exponent = (half >> 10) & 31;
    const double fraction = static_cast<double>(half & 0x3ff);
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    const double expected = (half & 0x8000) != 0 ? -magnitude : magnitude;
    ASSERT_EQ(static_cast<double>(packed(&half, DMOE_DTYPE_F16, DMOE_FORMAT_F32)), expected) << bits;
  }
}

TEST(Packing, WhenTheFormatIsBf16_RoundsToNearestEven) {
  for (float value : {1.0f, 1.00390625f, 1.01171875f, -3.14159f, 1e-38f, 3e38f}) {
    EXPECT_EQ(packed(&value, DMOE_DTYPE_F32, DMOE_FORMAT_BF16), from_bf16(to_bf16(value)));
  }
  const uint16_t half = 0x3fc1;
  EXPECT_EQ(packed(&half, DMOE_DTYPE_BF16, DMOE_FORMAT_F32), from_bf16(half));
}

TEST(Packing, WhenAValueIsNotFinite_NamesTheLowestRow) {
  std::vector<float> w(70 * 3, 1.0f);
  EXPECT_EQ(first_bad_row({w.data(), DMOE_DTYPE_F32, 3, 70}, DMOE_FORMAT_F32), -1);
  w[70 + 69] = std::numeric_limits<float>::max();
  EXPECT_EQ(first_bad_row({w.data(), DMOE_DTYPE_F32, 3, 70}, DMOE_FORMAT_F32), -1);
  EXPECT_EQ(first_bad_row({w.data(), DMOE_DTYPE_F32, 3, 70}, DMOE_FORMAT_BF16), 1);
  w[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(first_bad_row({w.data(), DMOE_DTYPE_F32, 3, 70}, DMOE_FORMAT_F32), 0);
  const uint16_t infinite[] = {0x3c00, 0xfc00};
  EXPECT_EQ(first_bad_row({infinite, DMOE_DTYPE_F16, 2, 1}, DMOE_FORMAT_F32), 1);
  const uint16_t nan[] = {0x3f80, 0x7fc0};
  EXPECT_EQ(first_bad_row({nan, DMOE_DTYPE_BF16, 2, 1}, DMOE_FORMAT_BF16), 1);
}

TEST(Packing, WhenGateAndUpInterleave_PutsSixteenOfEachIntoAPanel) {
  std::vector<float> gate, up;
  for (int i = 0; i < 20; ++i) {
    gate.push_back(static_cast<float>(i + 1));
    up.push_back(static_cast<float>(-i - 1));
  }
  alignas(64) float panels[64];
  pack_gate_up({gate.data(), DMOE_DTYPE_F32, 20, 1}, {up.data(), DMOE_DTYPE_F32, 20, 1}, DMOE_FORMAT_F32,
               panels);
  for (int column = 0; column < 64; ++column) {
    const int row = column / 32 * 16 + column % 16;
    const float value = static_cast<float>(row + 1) * (column % 32 < 16 ? 1.0f : -1.0f);
    EXPECT_EQ(panels[column], row < 20 ? value : 0.0f) << column;
  }
}

}  // namespace
}  // namespace dmoe::test
