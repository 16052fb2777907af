// The processors that this process may use: the affinity mask of its main thread, which is what `taskset` and
// a container's cpuset give it. A thread's own mask may be smaller, and threads inherit it from whoever
// starts them.
#ifndef DYNAMICMOE_CORE_PROCESSORS_HPP_
#define DYNAMICMOE_CORE_PROCESSORS_HPP_

#include <sched.h>

#include <array>
#include <cstddef>

namespace dmoe {

class ProcessorMask {
 public:
  static constexpr int kMost = 65536;  // the kernel's own limit is 8192

  /** @return the process's mask; empty when the system does not tell. */
  static ProcessorMask of_process() noexcept;
  /** @return the calling thread's mask; empty when the system does not tell. */
  static ProcessorMask of_this_thread() noexcept;

  bool has(int processor) const noexcept;
  bool empty() const noexcept;
  bool operator==(const ProcessorMask& other) const noexcept;
  /** Lets the calling thread run on these. An empty mask, and a refusal of the system, change nothing. */
  void bind_this_thread() const noexcept;

 private:
  explicit ProcessorMask(pid_t thread) noexcept;
  std::size_t bytes() const noexcept { return sizeof sets_; }

  std::array<cpu_set_t, kMost / CPU_SETSIZE> sets_{};
};

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_PROCESSORS_HPP_
