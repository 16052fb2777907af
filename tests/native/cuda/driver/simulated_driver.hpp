// The simulated libcuda.so.1 as the tests see it. One per process: tests that use it may not run at once.
#ifndef DYNAMICMOE_TESTS_CUDA_DRIVER_SIMULATED_DRIVER_HPP_
#define DYNAMICMOE_TESTS_CUDA_DRIVER_SIMULATED_DRIVER_HPP_

#include <string>

#include "cuda/driver/exports.hpp"

namespace dmoe::test {

/** Every function of exports.hpp, loaded by its name. */
using SimulatedApi = cuda::FullApi;

class SimulatedDriver {
 public:
  /** A machine of its own: settings as in settings.hpp. Throws std::runtime_error. */
  explicit SimulatedDriver(const std::string& settings = "");
  /** The machine that is there, as it is. */
  static SimulatedDriver running();

  /** Faults from now on, as in settings.hpp. Throws std::runtime_error. */
  void add_faults(const std::string& faults) const;

  const SimulatedApi& api() const;
  std::string trace() const;
  std::string live() const;
  long count(const char* name) const;
  long pending() const;

  /** For a loader: the driver, and one that lacks cuMemPoolCreate. */
  static const char* path();
  static const char* old_path();

 private:
  struct Running {};
  explicit SimulatedDriver(Running) {}
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_DRIVER_SIMULATED_DRIVER_HPP_
