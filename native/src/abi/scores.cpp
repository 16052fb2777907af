// Exports: raw complexity signals.
#include "engine/scores.hpp"

#include "abi/guard.hpp"
#include "core/views.hpp"

using namespace dmoe;

dmoe_status dmoe_score_l2_norm(const dmoe_matrix_f32* rows, float* scores) {
  return guard("score_l2_norm", [&] { score_l2_norm(view(rows, "rows"), scores); });
}

dmoe_status dmoe_score_softmax_entropy(const dmoe_matrix_f32* rows, float temperature, float* scores) {
  return guard("score_softmax_entropy",
               [&] { score_softmax_entropy(view(rows, "rows"), temperature, scores); });
}

dmoe_status dmoe_score_softmax_margin(const dmoe_matrix_f32* rows, float* scores) {
  return guard("score_softmax_margin", [&] { score_softmax_margin(view(rows, "rows"), scores); });
}

dmoe_status dmoe_score_attention_entropy(const dmoe_matrix_f32* attention, int32_t heads,
                                         const int32_t* visible, float temperature, float epsilon,
                                         int32_t aggregation, float* scores) {
  return guard("score_attention_entropy", [&] {
    score_attention_entropy(view(attention, "attention"),
                            AttentionEntropy{heads, visible, temperature, epsilon, aggregation}, scores);
  });
}
