// The simulated libcuda.so.1 as the tests of the host code use it: what it pretends to be, which call fails,
// what is alive.
#ifndef DYNAMICMOE_TESTS_CUDA_HOST_SIMULATION_HPP_
#define DYNAMICMOE_TESTS_CUDA_HOST_SIMULATION_HPP_

#include <string>

#include "cuda/driver/simulated_driver.hpp"

namespace dmoe::test {

class Simulation {
 public:
  static const char* path() { return SimulatedDriver::path(); }
  /** A machine of its own (driver/settings.hpp), on which nothing has happened yet. */
  static void machine(const std::string& settings = "") { SimulatedDriver driver(settings); }
  /** The nth call of a function from now on gives `result`. */
  static void fail(const std::string& function, int nth, int result) {
    more("fail=" + function + ":" + std::to_string(result) + ":" + std::to_string(nth - 1));
  }
  /** The next run of this kernel ends in CUDA_ERROR_ILLEGAL_ADDRESS, after which the context is lost. */
  static void break_kernel(const std::string& entry) { more("break=" + entry + ":700:0"); }
  /** Calls of a function, or runs of a kernel, on this machine. */
  static long calls(const char* function) { return SimulatedDriver::running().count(function); }
  /** What was not given back; "" for nothing. */
  static std::string live() { return SimulatedDriver::running().live(); }
  /** Names of the functions called, one a line. */
  static std::string trace() { return SimulatedDriver::running().trace(); }

 private:
  static void more(const std::string& faults) { SimulatedDriver::running().add_faults(faults); }
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_HOST_SIMULATION_HPP_
