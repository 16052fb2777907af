// A call under way on a stream: its lane until it ends, and how it ended. What dmoe_completion stands for.
#ifndef DYNAMICMOE_CUDA_HOST_FLIGHT_HPP_
#define DYNAMICMOE_CUDA_HOST_FLIGHT_HPP_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "core/status.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "host/lanes.hpp"

namespace dmoe::cuda {

class DeviceLayer;

/** May be used by many threads at once. */
class Flight {
 public:
  /** @param layer kept until the call has ended @param lane whose event `done` has been recorded
   * @param conclude reads what the call left in the lane; throws Status when the call went wrong */
  Flight(std::shared_ptr<const DeviceLayer> layer, Lanes::Lease lane,
         std::function<dmoe_batch_report(Lane&)> conclude);
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  /** Waits for the end. */
  ~Flight();

  /** Whether the call has ended; looks at the device, does not wait. */
  bool query() noexcept;
  /** Whether an end has been seen. */
  bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  /** Waits for the end. */
  void finish() noexcept;
  /** Waits for the end. @return the batch's figures; throws what the call ended with. */
  dmoe_batch_report wait();

 private:
  void conclude(Result result) noexcept;

  const Context& context_;
  std::mutex mutex_;
  std::atomic<bool> ended_{false};
  std::shared_ptr<const DeviceLayer> layer_;
  Lanes::Lease lane_;
  std::function<dmoe_batch_report(Lane&)> conclude_;
  Status status_{DMOE_OK, ""};
  dmoe_batch_report report_{};
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_FLIGHT_HPP_
