// The experts' activations in double precision.
#ifndef DYNAMICMOE_TESTS_SUPPORT_ACTIVATIONS_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_ACTIVATIONS_HPP_

#include <cmath>
#include <cstdint>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe::test {

/** @param kind a dmoe_expert_kind; SwiGLU and SiLU share x sigmoid(x) */
inline double activation(int32_t kind, double x) {
  switch (kind) {
    case DMOE_EXPERT_GELU:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case DMOE_EXPERT_GELU_TANH:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case DMOE_EXPERT_RELU:
      return x > 0 ? x : 0;
    default:
      return x / (1 + std::exp(-x));
  }
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_ACTIVATIONS_HPP_
