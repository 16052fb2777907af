// A layer's copy on a device. What dmoe_device_layer stands for.
#ifndef DYNAMICMOE_CUDA_HOST_DEVICE_LAYER_HPP_
#define DYNAMICMOE_CUDA_HOST_DEVICE_LAYER_HPP_

#include <memory>

#include "core/workspace.hpp"
#include "engine/forward_call.hpp"
#include "engine/layer.hpp"
#include "host/chunk.hpp"
#include "host/flight.hpp"

namespace dmoe::cuda {

/** May be used by many threads at once. */
class DeviceLayer : public std::enable_shared_from_this<DeviceLayer> {
 public:
  /** Throws DMOE_E_OPTIONS, DEVICE_MEMORY, NO_MEMORY, BACKEND. */
  DeviceLayer(std::shared_ptr<const Device> device, const Layer& layer,
              const dmoe_device_layer_options& options);
  DeviceLayer(const DeviceLayer&) = delete;
  DeviceLayer& operator=(const DeviceLayer&) = delete;
  ~DeviceLayer();

  /** dmoe_device_layer_forward. */
  void forward(const MatrixView& hidden, const dmoe_route_params* params, const dmoe_layer_params* limits,
               const dmoe_routes* routes, const OutputView& output, dmoe_batch_report* report) const;
  /** dmoe_device_layer_execute. */
  void execute(const MatrixView& hidden, const dmoe_routes* routes, const OutputView& output,
               dmoe_batch_report* report) const;
  /** dmoe_device_layer_forward_async. */
  std::shared_ptr<Flight> start(const dmoe_device_forward& forward, const dmoe_route_params* params,
                                StreamHandle stream) const;

 private:
  struct Parts;
  struct Batch;

  void forward_at_once(const MatrixView& hidden, const ForwardCall& call, const OutputView& output,
                       dmoe_batch_report* report) const;
  void forward_in_steps(const MatrixView& hidden, const ForwardCall& call, const OutputView& output,
                        dmoe_batch_report* report) const;
  /** The first step of these: decisions of all tokens into `batch`. */
  void route_all(const MatrixView& hidden, const ForwardCall& call, const Batch& batch) const;
  /** Runs the experts on decided routes, chunk by chunk. */
  void run_all(const MatrixView& hidden, const int32_t* ids, const float* weights, int32_t slots,
               int32_t used_slots, const OutputView& output) const;

  /** Tokens of a chunk. Throws DMOE_E_SHAPE when not even one token's slots fit. */
  int64_t chunk_tokens(int32_t slots) const;
  /** Throws what the CPU's router says to this batch: the device found a token that cannot be routed. */
  [[noreturn]] void refuse(const MatrixView& hidden, const RouteCall& call, int32_t slots) const;
  /** Throws DMOE_E_OVERFLOW, naming the expert, when the chunk's sum is not finite. The chunk has run its
   * experts. */
  void require_finite(StreamHandle stream, const ChunkShape& shape, const ChunkLayout& layout,
                      const ChunkMemory& memory, int64_t first, int64_t tokens) const;

  std::shared_ptr<const Device> device_;
  std::shared_ptr<const Router> router_;
  int32_t max_tokens_;
  bool graphs_;
  std::unique_ptr<Parts> parts_;  // in device memory
  ChunkSetup setup_{};
  SharedWorkspaces workspaces_;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_DEVICE_LAYER_HPP_
