#include "host/device_layer.hpp"

#include <algorithm>

#include "core/status.hpp"
#include "engine/limit.hpp"
#include "kernels/launch.hpp"

namespace dmoe::cuda {

struct DeviceLayer::Parts {
  Parts(const Device& device, const Layer& layer)
      : gate(device, *layer.router()), routed(device.expert_copies().of(device, layer.routed_owner())) {
    if (layer.shared() == nullptr) return;
    shared = device.expert_copies().of(device, layer.shared_owner());
    if (layer.shared_gate() != nullptr)
      shared_gate =
          upload_floats(device, layer.shared_gate(), layer.router()->hidden(), "the copy of a shared gate");
  }

  DeviceGate gate;
  std::shared_ptr<const DeviceExperts> routed;
  std::shared_ptr<const DeviceExperts> shared;  // or nullptr
  DeviceBuffer shared_gate;
};

DeviceLayer::DeviceLayer(std::shared_ptr<const Device> device, const Layer& layer,
                         const dmoe_device_layer_options& options)
    : device_(std::move(device)),
      router_(layer.router()),
      max_tokens_(options.max_tokens == 0 ? layer.options().max_tokens : options.max_tokens),
      graphs_(options.graphs != 0) {
  require_option(options.max_tokens, 0, 1 << 20, "max_tokens");
  require_option(options.graphs, 0, 1, "graphs");
  DMOE_REQUIRE(router_->experts() <= kMostExperts, DMOE_E_OPTIONS,
               "the layer has %d experts; a device takes at most %d", router_->experts(), kMostExperts);
  device_->context().require_alive();
  const Current current(device_->context());
  parts_ = std::make_unique<Parts>(*device_, layer);
  setup_.device = device_.get();
  setup_.router = router_.get();
  setup_.gate = &parts_->gate;
  setup_.routed = parts_->routed.get();
  setup_.shared = parts_->shared.get();
  if (parts_->shared_gate.bytes() != 0) setup_.shared_gate = parts_->shared_gate.as<const float>();
}

DeviceLayer::~DeviceLayer() {
  try {
    const Current current(device_->context());
    parts_.reset();
  } catch (...) {
    parts_.release();  // NOLINT: as in ~Device
  }
}

int64_t DeviceLayer::chunk_tokens(int32_t slots) const {
  const int64_t fit = INT32_MAX / std::max<int64_t>(slots, router_->padded_experts());
  DMOE_REQUIRE(fit >= 1, DMOE_E_SHAPE, "routes.slots is %d, too many for a device", slots);
  return std::min<int64_t>(max_tokens_, fit);
}

void DeviceLayer::forward(const MatrixView& hidden, const dmoe_route_params* params,
                          const dmoe_layer_params* limits, const dmoe_routes* routes,
                          const OutputView& output, dmoe_batch_report* report) const {
  const ForwardCall call = check_forward(*router_, hidden, params, limits, routes, output, report);
  const int64_t chunk = chunk_tokens(call.routes.slots);
  device_->context().require_alive();
  const Current current(device_->context());
  if (hidden.rows > 0 && hidden.rows <= chunk && !limits_anything(call.limits))
    forward_at_once(hidden, call, output, report);
  else
    forward_in_steps(hidden, call, output, report);
}

void DeviceLayer::execute(const MatrixView& hidden, const dmoe_routes* routes, const OutputView& output,
                          dmoe_batch_report* report) const {
  const dmoe_routes given = check_execute(*router_, hidden, routes, output, report);
  for (int64_t t = 0; t < hidden.rows; ++t)
    DMOE_REQUIRE(first_not_finite(hidden.row(t), hidden.columns) < 0, DMOE_E_NOT_FINITE,
                 "hidden: token %lld holds a value that is not finite", static_cast<long long>(t));
  int64_t load[kMostExperts];
  check_given_routes(*router_, given, load);
  device_->context().require_alive();
  const Current current(device_->context());
  run_all(hidden, given.ids, given.weights, given.slots, std::min(given.slots, router_->experts()), output);
  count_routes(given.ids, hidden.rows, given.slots, router_->experts(), load);
  write_report(make_report(load, router_->experts(), hidden.rows), report);
}

void DeviceLayer::refuse(const MatrixView& hidden, const RouteCall& call, int32_t slots) const {
  Arena measure;
  const auto cells = static_cast<std::size_t>(checked_product(hidden.rows, slots, "routes"));
  measure.take<int32_t>(cells);
  measure.take<float>(cells);
  WorkspacePool::Lease lease(workspaces_.pool(), measure.used());
  Arena arena = lease.arena();
  RouteRows rows;
  rows.slots = slots;
  rows.ids = arena.take<int32_t>(cells);
  rows.weights = arena.take<float>(cells);
  router_->route(hidden, call, rows);
  fail(DMOE_E_BACKEND, "route: the device refuses a batch that the processor routes");
}

}  // namespace dmoe::cuda
