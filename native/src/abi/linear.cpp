// Exports: packed dense products.
#include "engine/linear.hpp"

#include "abi/guard.hpp"
#include "abi/handles.hpp"
#include "core/views.hpp"

using namespace dmoe;

dmoe_status dmoe_linear_create(const dmoe_linear_options* options, dmoe_linear** linear) {
  return guard("linear_create", [&] {
    require_pointer(options, "options");
    require_pointer(linear, "linear");
    const auto made = std::make_shared<const Linear>(read_struct(options, dmoe_linear_options{}, "options"));
    *linear = new dmoe_linear{made};
  });
}

void dmoe_linear_destroy(dmoe_linear* linear) { delete linear; }

dmoe_status dmoe_linear_run(const dmoe_linear* linear, const dmoe_matrix_f32* input, int32_t threads,
                            const dmoe_output_f32* output) {
  return guard("linear_run", [&] {
    require_pointer(linear, "linear");
    linear->engine->run(view(input, "input"), threads, view(output, "output"));
  });
}
