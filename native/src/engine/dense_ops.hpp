// Norms and attention: checks, and division of the work over threads.
#ifndef DYNAMICMOE_ENGINE_DENSE_OPS_HPP_
#define DYNAMICMOE_ENGINE_DENSE_OPS_HPP_

#include "core/views.hpp"
#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

/** See dmoe_rms_norm. @param weight [columns] or nullptr */
void run_rms_norm(const MatrixView& input, const float* weight, float epsilon, const OutputView& output);
/** See dmoe_layer_norm. @param weight [columns] or nullptr @param bias [columns] or nullptr */
void run_layer_norm(const MatrixView& input, const float* weight, const float* bias, float epsilon,
                    const OutputView& output);
/** See dmoe_attention; struct_size has been dealt with. */
void run_attention(const dmoe_attention_params& params);

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_DENSE_OPS_HPP_
