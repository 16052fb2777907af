// The sets of experts that a device holds: layers over the same set share one copy.
#ifndef DYNAMICMOE_CUDA_HOST_EXPERT_COPIES_HPP_
#define DYNAMICMOE_CUDA_HOST_EXPERT_COPIES_HPP_

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/experts.hpp"

namespace dmoe::cuda {

class Device;
class DeviceExperts;

/** May be used by many threads at once. Keeps neither copies nor what they were made of alive. */
class ExpertCopies {
 public:
  /** The copy of a set as it is now: one that a layer holds, or a new one. Wants the context current; so does
   * giving up the last owner. Throws DMOE_E_DEVICE_MEMORY, BACKEND; std::bad_alloc. */
  std::shared_ptr<const DeviceExperts> of(const Device& device,
                                          const std::shared_ptr<const Experts>& experts);

 private:
  struct Entry {
    std::weak_ptr<const Experts> experts;
    int64_t version;
    std::weak_ptr<const DeviceExperts> copy;
  };

  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_EXPERT_COPIES_HPP_
