// What the opaque handles are: shared ownership, so that a layer keeps alive what it was made of.
#ifndef DYNAMICMOE_ABI_HANDLES_HPP_
#define DYNAMICMOE_ABI_HANDLES_HPP_

#include <atomic>
#include <memory>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {
class Router;
class Experts;
class Layer;
class Linear;
namespace cuda {
class Device;
class DeviceLayer;
class Flight;
}  // namespace cuda
}  // namespace dmoe

struct dmoe_router {
  std::shared_ptr<const dmoe::Router> engine;
};
struct dmoe_experts {
  std::shared_ptr<dmoe::Experts> engine;
};
struct dmoe_layer {
  std::shared_ptr<const dmoe::Layer> engine;
};
struct dmoe_linear {
  std::shared_ptr<const dmoe::Linear> engine;
};
struct dmoe_device {
  std::shared_ptr<dmoe::cuda::Device> engine;
};
struct dmoe_device_layer {
  std::shared_ptr<const dmoe::cuda::DeviceLayer> engine;
};
struct dmoe_completion {
  std::shared_ptr<dmoe::cuda::Flight> engine;
  std::atomic<bool> notifies{false};
};

#endif  // DYNAMICMOE_ABI_HANDLES_HPP_
