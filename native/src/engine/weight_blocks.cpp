#include "engine/weight_blocks.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {
namespace {

constexpr float kLargestF16 = 65504.0f;

uint32_t bits_of(float value) { return std::bit_cast<uint32_t>(value); }
float float_of(uint32_t bits) { return std::bit_cast<float>(bits); }

// Values under one scale; @return sum of squared errors.
float round_with(const float* weights, float scale, float low, float high, int8_t* value) {
  const float inverse = scale == 0.0f ? 0.0f : 1.0f / scale;
  float error = 0;
  for (int i = 0; i < kQuantBlock; ++i) {
    // Adding 1.5 * 2^23 rounds to the nearest integer, ties to even: |weights[i] * inverse| < 2^22.
    const float q = std::clamp((weights[i] * inverse + 0x1.8p23f) - 0x1.8p23f, low, high);
    value[i] = static_cast<int8_t>(q);
    const float miss = weights[i] - scale * q;
    error += miss * miss;
  }
  return error;
}

}  // namespace

float from_f16(uint16_t half) noexcept {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  // Shifted into place, a half's exponent is too small by 112; the product mends that for subnormals as well.
  const float value = float_of(magnitude << 13) * 0x1p112f;
  return float_of(sign | (magnitude >= 0x7c00u ? 0x7f800000u | (magnitude << 13) : bits_of(value)));
}

uint16_t to_f16(float value) noexcept {
  const uint32_t bits = bits_of(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // from 65520 on
  if (magnitude < 0x38800000u) {  // below 2^-14: adding 0.5 rounds to a multiple of 2^-24, ties to even
    return static_cast<uint16_t>(sign | (bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f)));
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

float largest_weight(int32_t format) noexcept {
  if (format == DMOE_FORMAT_Q8) return 127 * kLargestF16;
  if (format == DMOE_FORMAT_Q4) return 7 * kLargestF16;
  return std::numeric_limits<float>::infinity();
}

WeightBlock round_weights(int32_t format, const float* weights) noexcept {
  float largest = 0;  // with its sign
  for (int i = 0; i < kQuantBlock; ++i) {
    if (std::abs(weights[i]) > std::abs(largest)) largest = weights[i];
  }
  WeightBlock block;
  if (format == DMOE_FORMAT_Q8) {
    block.scale = to_f16(std::abs(largest) / 127);
    round_with(weights, from_f16(block.scale), -127, 127, block.value);
    return block;
  }
  float smallest = std::numeric_limits<float>::infinity();
  for (const float divisor : {-8.0f, -7.75f, -7.5f, -7.25f, -7.0f}) {
    WeightBlock tried;
    tried.scale = to_f16(largest / divisor);
    const float error = round_with(weights, from_f16(tried.scale), -8, 7, tried.value);
    if (error < smallest) {
      smallest = error;
      block = tried;
    }
  }
  return block;
}

}  // namespace dmoe
