// The work of one call as a list of steps: launches and copies with everything that they take. The list is
// made first and then put onto a stream; equal lists are equal work, which is how a call that repeats finds
// its graph.
#ifndef DYNAMICMOE_CUDA_HOST_PROGRAM_HPP_
#define DYNAMICMOE_CUDA_HOST_PROGRAM_HPP_

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "driver/context.hpp"

namespace dmoe::cuda {

/** Grid [x, y, 1], block [threads, 1, 1] and bytes of dynamic shared memory. */
struct LaunchShape {
  uint32_t x, y, threads, shared;
};

/** @return a struct all of whose bytes are 0, padding included: lists of steps are compared byte by byte. */
template <typename Task>
Task blank() {
  Task task;
  std::memset(static_cast<void*>(&task), 0, sizeof task);
  return task;
}

class Program {
 public:
  /** Forgets the steps and keeps their memory. */
  void clear() noexcept { words_.clear(); }

  /** A step that launches a kernel; nothing when the grid is empty. @param operation for texts; static
   * storage */
  template <typename Task>
  void launch(const char* operation, FunctionHandle function, const LaunchShape& shape, const Task& task) {
    static_assert(std::is_trivially_copyable_v<Task>);
    if (shape.x != 0) add_launch(operation, function, shape, &task, sizeof task);
  }
  /** Copies between page-locked host memory and the device; nothing when there are no bytes. */
  void copy_in(const char* operation, DevicePointer to, const void* from, std::size_t bytes);
  void copy_out(const char* operation, void* to, DevicePointer from, std::size_t bytes);
  /** Sets words of device memory. */
  void fill(const char* operation, DevicePointer to, uint32_t value, std::size_t words);

  /** Puts the steps onto a stream. Throws DMOE_E_BACKEND naming the step's operation.
   * @param wait_for_each also waits after each, so that what fails later is named as well */
  void enqueue(const Context& context, StreamHandle stream, bool wait_for_each) const;

  const std::vector<uint64_t>& words() const noexcept { return words_; }

 private:
  void add_launch(const char* operation, FunctionHandle function, const LaunchShape& shape, const void* task,
                  std::size_t bytes);

  std::vector<uint64_t> words_;  // steps, one after another, each followed by its task
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_PROGRAM_HPP_
