// Exports: layers.
#include "engine/layer.hpp"

#include "abi/guard.hpp"
#include "abi/handles.hpp"

using namespace dmoe;

dmoe_status dmoe_layer_create(const dmoe_layer_options* options, const dmoe_router* router,
                              const dmoe_experts* experts, dmoe_layer** layer) {
  return guard("layer_create", [&] {
    require_pointer(options, "options");
    require_pointer(router, "router");
    require_pointer(experts, "experts");
    require_pointer(layer, "layer");
    const auto read = read_struct(options, dmoe_layer_options{}, "options");
    const auto shared = read.shared == nullptr ? nullptr : read.shared->engine;
    const auto made = std::make_shared<const Layer>(read, router->engine, experts->engine, shared);
    *layer = new dmoe_layer{made};
  });
}

void dmoe_layer_destroy(dmoe_layer* layer) { delete layer; }

dmoe_status dmoe_layer_forward(const dmoe_layer* layer, const dmoe_matrix_f32* hidden,
                               const dmoe_route_params* params, const dmoe_layer_params* limits,
                               const dmoe_routes* routes, const dmoe_output_f32* output,
                               dmoe_batch_report* report) {
  return guard("layer_forward", [&] {
    require_pointer(layer, "layer");
    layer->engine->forward(view(hidden, "hidden"), params, limits, routes, view(output, "output"), report);
  });
}

dmoe_status dmoe_layer_noop(const dmoe_layer* layer, const dmoe_matrix_f32* hidden, const dmoe_route_params*,
                            const dmoe_layer_params*, const dmoe_routes*, const dmoe_output_f32* output,
                            dmoe_batch_report*) {
  return guard("layer_noop", [&] {
    require_pointer(layer, "layer");
    view(hidden, "hidden");
    view(output, "output");
  });
}

dmoe_status dmoe_layer_execute(const dmoe_layer* layer, const dmoe_matrix_f32* hidden,
                               const dmoe_routes* routes, const dmoe_output_f32* output,
                               dmoe_batch_report* report) {
  return guard("layer_execute", [&] {
    require_pointer(layer, "layer");
    layer->engine->execute(view(hidden, "hidden"), routes, view(output, "output"), report);
  });
}
