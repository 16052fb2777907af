#include "host/weights.hpp"

#include <algorithm>

#include "host/pack_weights.hpp"

namespace dmoe::cuda {
namespace {

constexpr std::size_t kGateBytes = std::size_t{4}
                                   << 20;  // of a part of the gate weights that is copied at once

void copy_in(const Device& device, const DeviceBuffer& to, std::size_t offset, const PinnedBuffer& from,
             std::size_t bytes) {
  const Api& api = device.context().api();
  device.context().check(
      api.cuMemcpyHtoDAsync_v2(to.address() + offset, from.data(), bytes, device.own_stream()),
      "upload of weights");
  device.wait(device.own_stream(), "upload of weights");
}

}  // namespace

DeviceBuffer upload_floats(const Device& device, const float* values, int64_t count, const char* what) {
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(float);
  DeviceBuffer buffer(device.pool(), bytes, what);
  const PinnedBuffer staging(device.context(), bytes);
  std::memcpy(staging.data(), values, bytes);
  copy_in(device, buffer, 0, staging, bytes);
  return buffer;
}

DeviceGate::DeviceGate(const Device& device, const Router& router) {
  const int64_t padded = router.padded_experts(), hidden = router.hidden();
  const auto row_bytes = static_cast<std::size_t>(padded) * sizeof(float);
  weights_ =
      DeviceBuffer(device.pool(), row_bytes * static_cast<std::size_t>(hidden), "the copy of a router");
  const int64_t rows = std::clamp<int64_t>(static_cast<int64_t>(kGateBytes / row_bytes), 1, hidden);
  const PinnedBuffer staging(device.context(), row_bytes * static_cast<std::size_t>(rows));
  for (int64_t first = 0; first < hidden; first += rows) {
    const int64_t count = std::min(rows, hidden - first);
    auto* const to = reinterpret_cast<float*>(staging.data());
    for (int64_t panel = 0; panel < padded / 32; ++panel)
      for (int64_t k = 0; k < count; ++k)
        std::copy_n(router.packed() + (panel * hidden + first + k) * 32, 32, to + k * padded + panel * 32);
    copy_in(device, weights_, row_bytes * static_cast<std::size_t>(first), staging,
            row_bytes * static_cast<std::size_t>(count));
  }
  if (router.bias() != nullptr) bias_ = upload_floats(device, router.bias(), padded, "the copy of a router");
}

DeviceExperts::DeviceExperts(const Device& device, const Experts& experts) : format_(experts.format()) {
  const ExpertLayout layout = expert_layout(experts);
  const auto bytes = static_cast<std::size_t>(layout.bytes);
  weights_ =
      DeviceBuffer(device.pool(), bytes * static_cast<std::size_t>(experts.count()), "the copy of experts");
  const PinnedBuffer staging(device.context(), bytes);
  for (int32_t e = 0; e < experts.count(); ++e) {
    pack_weights(experts, e, staging.data());
    copy_in(device, weights_, bytes * static_cast<std::size_t>(e), staging, bytes);
  }
  h_stride_ =
      up_to(int64_t{up_panels(experts.kind(), experts.width())} * panel_width(experts.kind()), kBlock);
  task_ = blank<ExpertsTask>();
  task_.weights = weights_.as<const uint8_t>();
  task_.expert_bytes = layout.bytes;
  task_.kind = experts.kind();
  task_.experts = experts.count();
  task_.hidden_size = experts.hidden();
  task_.width = experts.width();
  task_.use_bias = experts.view(0).down_bias != nullptr ? 1 : 0;
}

}  // namespace dmoe::cuda
