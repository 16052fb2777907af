// The kernels' own source on the simulator. In a shared library of its own: see language.hpp.
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_SOURCE_RUNNER_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_SOURCE_RUNNER_HPP_

#include <cstddef>
#include <cstdint>

#include "cuda/sim/types.hpp"

namespace dmoe::sim {

/** A kernel as the simulator calls it. */
struct SourceKernel {
  const char* entry;
  size_t task_bytes;
  void (*call)(const void* task);
};

/** Throws a LaunchError. Before each block all shared memory holds bytes 0xff, which is NaN as floats and -1
 * as integers. */
__attribute__((visibility("default"))) void launch_source(const SourceKernel& kernel, dim3 grid, dim3 block,
                                                          size_t shared, const void* task, size_t bytes,
                                                          uint32_t seed);
/** The kernel of kernels.inc with that entry; throws a LaunchError when there is none. */
__attribute__((visibility("default"))) const SourceKernel& source_kernel(const char* entry);

}  // namespace dmoe::sim

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_SOURCE_RUNNER_HPP_
