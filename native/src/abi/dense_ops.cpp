// Exports: norms and attention.
#include "engine/dense_ops.hpp"

#include "abi/guard.hpp"
#include "core/views.hpp"

using namespace dmoe;

dmoe_status dmoe_rms_norm(const dmoe_matrix_f32* input, const float* weight, float epsilon,
                          const dmoe_output_f32* output) {
  return guard("rms_norm",
               [&] { run_rms_norm(view(input, "input"), weight, epsilon, view(output, "output")); });
}

dmoe_status dmoe_layer_norm(const dmoe_matrix_f32* input, const float* weight, const float* bias,
                            float epsilon, const dmoe_output_f32* output) {
  return guard("layer_norm",
               [&] { run_layer_norm(view(input, "input"), weight, bias, epsilon, view(output, "output")); });
}

dmoe_status dmoe_attention(const dmoe_attention_params* params) {
  return guard("attention", [&] {
    require_pointer(params, "params");
    run_attention(read_struct(params, dmoe_attention_params{}, "params"));
  });
}
