// cp.async of one thread: bytes land when a wait lets them, not before. Until then the destination holds what
// no test takes for a result, and the source is read as late as the rules allow.
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_ASYNC_COPIES_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_ASYNC_COPIES_HPP_

#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

namespace dmoe::sim {

class AsyncCopies {
 public:
  /** Copies `bytes` (0 to `size`) and zeroes the rest up to `size`: 4, 8 or 16. False when an address is not
   * aligned to it. */
  [[nodiscard]] bool start(void* to, const void* from, int size, int bytes) {
    const auto addresses = reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from);
    if (addresses % static_cast<unsigned>(size) != 0 || bytes < 0 || bytes > size) return false;
    std::memset(to, 0xff, static_cast<size_t>(size));
    open_.push_back({to, from, size, bytes});
    return true;
  }
  void commit() {
    groups_.push_back(std::move(open_));
    open_.clear();
  }
  /** Lets all groups land but the `under_way` youngest. */
  void wait(unsigned under_way) {
    for (; groups_.size() > under_way; groups_.pop_front()) {
      for (const Copy& copy : groups_.front()) land(copy);
    }
  }
  /** cp.async.wait_all: what is not committed lands as well. */
  void wait_all() {
    commit();
    wait(0);
  }
  void clear() {
    open_.clear();
    groups_.clear();
  }

 private:
  struct Copy {
    void* to;
    const void* from;
    int size, bytes;
  };
  static void land(const Copy& copy) {
    std::memset(copy.to, 0, static_cast<size_t>(copy.size));
    if (copy.bytes > 0) std::memcpy(copy.to, copy.from, static_cast<size_t>(copy.bytes));
  }
  std::vector<Copy> open_;
  std::deque<std::vector<Copy>> groups_;
};

}  // namespace dmoe::sim

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_ASYNC_COPIES_HPP_
