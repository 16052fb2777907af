// Exports: layers on a device, and the completions of their asynchronous calls.
#include "host/device_layer.hpp"

#include "abi/guard.hpp"
#include "abi/handles.hpp"
#include "core/views.hpp"
#include "host/notifier.hpp"

using namespace dmoe;

namespace {

dmoe_device_layer_options default_options() {
  dmoe_device_layer_options options{};
  options.struct_size = sizeof options;
  options.graphs = 1;
  return options;
}

}  // namespace

dmoe_status dmoe_device_layer_create(dmoe_device* device, const dmoe_layer* layer,
                                     const dmoe_device_layer_options* options,
                                     dmoe_device_layer** device_layer) {
  return guard("device_layer_create", [&] {
    require_pointer(device, "device");
    require_pointer(layer, "layer");
    require_pointer(device_layer, "device_layer");
    const dmoe_device_layer_options read =
        options == nullptr ? default_options() : read_struct(options, default_options(), "options");
    auto handle = std::make_unique<dmoe_device_layer>();
    handle->engine = std::make_shared<const cuda::DeviceLayer>(device->engine, *layer->engine, read);
    *device_layer = handle.release();
  });
}

void dmoe_device_layer_destroy(dmoe_device_layer* device_layer) { delete device_layer; }

dmoe_status dmoe_device_layer_forward(const dmoe_device_layer* device_layer, const dmoe_matrix_f32* hidden,
                                      const dmoe_route_params* params, const dmoe_layer_params* limits,
                                      const dmoe_routes* routes, const dmoe_output_f32* output,
                                      dmoe_batch_report* report) {
  return guard("device_layer_forward", [&] {
    require_pointer(device_layer, "device_layer");
    device_layer->engine->forward(view(hidden, "hidden"), params, limits, routes, view(output, "output"),
                                  report);
  });
}

dmoe_status dmoe_device_layer_execute(const dmoe_device_layer* device_layer, const dmoe_matrix_f32* hidden,
                                      const dmoe_routes* routes, const dmoe_output_f32* output,
                                      dmoe_batch_report* report) {
  return guard("device_layer_execute", [&] {
    require_pointer(device_layer, "device_layer");
    device_layer->engine->execute(view(hidden, "hidden"), routes, view(output, "output"), report);
  });
}

dmoe_status dmoe_device_layer_forward_async(const dmoe_device_layer* device_layer,
                                            const dmoe_device_forward* forward,
                                            const dmoe_route_params* params, void* stream,
                                            dmoe_completion** completion) {
  return guard("device_layer_forward_async", [&] {
    require_pointer(device_layer, "device_layer");
    require_pointer(completion, "completion");
    const dmoe_device_forward read = read_struct(forward, dmoe_device_forward{}, "forward");
    auto handle = std::make_unique<dmoe_completion>();
    handle->engine = device_layer->engine->start(read, params, static_cast<cuda::StreamHandle>(stream));
    *completion = handle.release();
  });
}

dmoe_status dmoe_completion_query(dmoe_completion* completion, int32_t* done) {
  return guard("completion_query", [&] {
    require_pointer(completion, "completion");
    require_pointer(done, "done");
    *done = completion->engine->query() ? 1 : 0;
  });
}

dmoe_status dmoe_completion_wait(dmoe_completion* completion, dmoe_batch_report* report) {
  return guard("completion_wait", [&] {
    require_pointer(completion, "completion");
    if (report != nullptr) read_struct(report, dmoe_batch_report{}, "report");
    write_report(completion->engine->wait(), report);
  });
}

dmoe_status dmoe_completion_notify(dmoe_completion* completion, void (*callback)(void* context),
                                   void* context) {
  return guard("completion_notify", [&] {
    require_pointer(completion, "completion");
    DMOE_REQUIRE(callback != nullptr, DMOE_E_ARGUMENT, "callback is NULL");
    DMOE_REQUIRE(!completion->notifies.exchange(true), DMOE_E_STATE, "a callback was asked for already");
    try {
      cuda::notify(completion->engine, callback, context);
    } catch (...) {
      completion->notifies.store(false);
      throw;
    }
  });
}

void dmoe_completion_destroy(dmoe_completion* completion) {
  if (completion != nullptr) completion->engine->finish();
  delete completion;
}
