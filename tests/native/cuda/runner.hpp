// How the tests run a kernel: the same launch on several engines. A kernel is known by its line in
// kernels/kernels.inc.
#ifndef DYNAMICMOE_TESTS_CUDA_RUNNER_HPP_
#define DYNAMICMOE_TESTS_CUDA_RUNNER_HPP_

#include <cstddef>
#include <type_traits>
#include <vector>

#include "cuda/sim/engine.hpp"  // LaunchError
#include "cuda/sim/types.hpp"   // dim3

namespace dmoe::test {

class KernelRunner {
 public:
  virtual ~KernelRunner() = default;
  /** "source", "source at random", "ptx": for messages. */
  virtual const char* name() const = 0;
  /** Runs the kernel to its end. `shared` = bytes of dynamic shared memory; `task` = its parameter, whose
   * pointers are the test's own. Throws sim::LaunchError when the kernel breaks a rule of the machine or the
   * launch is not possible. */
  virtual void launch(const char* entry, dim3 grid, dim3 block, size_t shared, const void* task,
                      size_t bytes) = 0;

  template <class Task>
  requires(!std::is_pointer_v<Task>) void launch(const char* entry, dim3 grid, dim3 block, size_t shared,
                                                 const Task& task) {
    launch(entry, grid, block, shared, &task, sizeof task);
  }
};

/** Every engine, always the same objects. */
const std::vector<KernelRunner*>& runners();

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_RUNNER_HPP_
