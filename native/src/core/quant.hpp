// quant: how 8- and 4-bit weights, and the activations that meet them, are stored. Blocks run along k.
//
// A panel (core/panel_gemm.hpp) of these formats is a sequence of blocks of 32 k. Weights are stored as
// unsigned bytes or nibbles, value + offset, so that one multiply-add of unsigned by signed bytes serves;
// what the offset adds to a sum, offset * sum of the activations, is taken off by the activation block's
// correction. A block of a panel:
//   q8   [8 steps][32 columns][4 k] bytes, value + 128; then 32 float16 scales        1088 bytes
//   q4   [4 pairs][32 columns][4 k] bytes, low nibble = step 2 p, high = step 2 p + 1, value + 8; 32 scales
//        576 bytes
// k that pads the last block and columns that pad N have value 0; padding columns have scale 0.
#ifndef DYNAMICMOE_CORE_QUANT_HPP_
#define DYNAMICMOE_CORE_QUANT_HPP_

#include <stdint.h>

namespace dmoe {

constexpr int64_t kQuantBlock = 32;
constexpr int32_t kQ8Offset = 128;
constexpr int32_t kQ4Offset = 8;
constexpr int64_t kQuantScaleBytes = 64;
constexpr int64_t kQ8BlockBytes = 1024 + kQuantScaleBytes;
constexpr int64_t kQ4BlockBytes = 512 + kQuantScaleBytes;

// 32 activations of one row: x = scale * value. A block that holds NaN or infinity has scale NaN, so that
// every sum it enters is NaN; one whose largest magnitude is below 2^-119 is zero.
struct QuantBlock {
  int8_t value[kQuantBlock];  // -127..127
  float scale;                // largest magnitude / 127
  int32_t correction;         // -offset * sum of value
};
static_assert(sizeof(QuantBlock) == 40);

constexpr int64_t quant_blocks(int64_t k) { return (k + kQuantBlock - 1) / kQuantBlock; }

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_QUANT_HPP_
