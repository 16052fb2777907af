// Launches as kernels/launch.hpp states them, on a runner of the tests.
#ifndef DYNAMICMOE_TESTS_CUDA_KERNELS_LAUNCHES_HPP_
#define DYNAMICMOE_TESTS_CUDA_KERNELS_LAUNCHES_HPP_

#include <gtest/gtest.h>

#include "cuda/runner.hpp"
#include "kernels/launch.hpp"

namespace dmoe::test {

template <class Task>
void launch(KernelRunner& runner, const char* entry, const cuda::Launch& how, const Task& task) {
  EXPECT_LE(how.shared, static_cast<uint32_t>(cuda::kSharedLimit)) << entry;
  if (how.x > 0 && how.y > 0) runner.launch(entry, {how.x, how.y}, how.threads, how.shared, task);
}

inline cuda::Failures no_failures() {
  return {cuda::kNoFailure, cuda::kNoFailure, cuda::kNoFailure, cuda::kNoFailure};
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_KERNELS_LAUNCHES_HPP_
