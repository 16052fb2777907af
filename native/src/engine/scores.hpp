// Complexity signals over whole matrices: checks, rows in parallel, normalisation.
#ifndef DYNAMICMOE_ENGINE_SCORES_HPP_
#define DYNAMICMOE_ENGINE_SCORES_HPP_

#include <cstdint>

#include "core/views.hpp"

namespace dmoe {

/** Options of score_attention_entropy. */
struct AttentionEntropy {
  int32_t heads;
  const int32_t* visible;  // [tokens] or NULL = all columns
  float temperature;       // > 0
  float epsilon;           // >= 0
  int32_t aggregation;     // dmoe_head_aggregation
};

/** Each checks its input in full before it writes. Rows that hold NaN or infinity are DMOE_E_NOT_FINITE. */
void score_l2_norm(const MatrixView& rows, float* scores);
void score_softmax_entropy(const MatrixView& rows, float temperature, float* scores);
void score_softmax_margin(const MatrixView& rows, float* scores);
void score_attention_entropy(const MatrixView& rows, const AttentionEntropy& options, float* scores);

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_SCORES_HPP_
