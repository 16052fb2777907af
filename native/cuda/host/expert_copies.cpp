#include "host/expert_copies.hpp"

#include "host/weights.hpp"

namespace dmoe::cuda {

std::shared_ptr<const DeviceExperts> ExpertCopies::of(const Device& device,
                                                      const std::shared_ptr<const Experts>& experts) {
  // Held while a copy is made: two layers over one set are often built side by side.
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const Entry& entry) { return entry.copy.expired(); });
  for (const Entry& entry : entries_)
    if (entry.experts.lock() == experts && entry.version == experts->version())
      if (auto copy = entry.copy.lock()) return copy;
  auto copy = std::make_shared<const DeviceExperts>(device, *experts);
  entries_.push_back({experts, experts->version(), copy});
  return copy;
}

}  // namespace dmoe::cuda
