// Rounding of weights to the blocks of q8 and q4 (core/quant.hpp).
#ifndef DYNAMICMOE_ENGINE_WEIGHT_BLOCKS_HPP_
#define DYNAMICMOE_ENGINE_WEIGHT_BLOCKS_HPP_

#include <cstdint>

#include "core/quant.hpp"

namespace dmoe {

/** 32 weights as integers times one scale. */
struct WeightBlock {
  int8_t value[kQuantBlock];  // q8: -127..127, q4: -8..7
  uint16_t scale;             // float16 bits; finite, may be negative
};

/** Largest magnitude that a format can hold; infinity where every finite float fits. */
float largest_weight(int32_t format) noexcept;

/** Rounds 32 finite weights of at most largest_weight().
 *  q8: scale = largest magnitude / 127, so that |w - scale * value| <= (1/2 + 2^-15) * |scale| + 2^-18.
 *  q4: of five scales that map the weight of largest magnitude to -8 .. -7, the one with the smallest sum of
 *  squared errors; |w - scale * value| <= (1 + 2^-8) * |scale| + 2^-22. */
WeightBlock round_weights(int32_t format, const float* weights) noexcept;

/** The value of float16 bits. */
float from_f16(uint16_t half) noexcept;
/** Nearest float16, ties to even; beyond the largest one infinity. */
uint16_t to_f16(float value) noexcept;

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_WEIGHT_BLOCKS_HPP_
