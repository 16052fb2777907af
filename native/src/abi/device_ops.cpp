// Exports: single operations on device memory.
#include "host/device_ops.hpp"

#include "abi/guard.hpp"
#include "abi/handles.hpp"
#include "core/views.hpp"

using namespace dmoe;

dmoe_status dmoe_device_score(const dmoe_device* device, const dmoe_device_score_params* params,
                              void* stream) {
  return guard("device_score", [&] {
    require_pointer(device, "device");
    dmoe_device_score_params defaults{};
    defaults.temperature = 1.0f;
    defaults.heads = 1;
    cuda::score(*device->engine, read_struct(params, defaults, "params"),
                static_cast<cuda::StreamHandle>(stream));
  });
}

dmoe_status dmoe_device_norm(const dmoe_device* device, const dmoe_device_norm_params* params, void* stream) {
  return guard("device_norm", [&] {
    require_pointer(device, "device");
    cuda::norm(*device->engine, read_struct(params, dmoe_device_norm_params{}, "params"),
               static_cast<cuda::StreamHandle>(stream));
  });
}
