// The simulated libcuda.so.1 as the tests of the host code see it: what it pretends to be, which call fails,
// what is alive.
#ifndef DYNAMICMOE_TESTS_CUDA_HOST_SIMULATED_DRIVER_HPP_
#define DYNAMICMOE_TESTS_CUDA_HOST_SIMULATED_DRIVER_HPP_

#include <dlfcn.h>

#include <string>

namespace dmoe::test {

class SimulatedDriver {
 private:
  template <typename Function, typename... Arguments>
  static auto call(const char* name, Arguments... arguments) {
    static void* const library = dlopen(path(), RTLD_NOW | RTLD_LOCAL);
    return reinterpret_cast<Function*>(dlsym(library, name))(arguments...);
  }

 public:
  static const char* path() { return DMOE_SIMULATED_DRIVER; }

  /** As new: one device of capability 8.0, nothing fails, nothing counted. */
  static void reset() { call<void()>("sim_reset"); }
  /** What it pretends: "devices", "version", "capability", "pools", "mode", "total" bytes; a name that ends
   * in a number is of that device. */
  static void set(const std::string& name, long value) {
    call<void(const char*, long)>("sim_set", name.c_str(), value);
  }
  /** The nth call of a function from now on gives `result`. */
  static void fail(const char* function, int nth, int result) {
    call<void(const char*, int, int)>("sim_fail", function, nth, result);
  }
  /** Every run of this kernel ends in CUDA_ERROR_ILLEGAL_ADDRESS, after which the context is lost. */
  static void break_kernel(const char* entry) { call<void(const char*)>("sim_fault_kernel", entry); }
  /** Calls of a function since the reset. */
  static long calls(const char* function) { return call<long(const char*)>("sim_calls", function); }
  /** Objects alive: "context", "module", "stream", "event", "pool", "memory", "pinned", "graph", "exec". */
  static long live(const char* kind) { return call<long(const char*)>("sim_live", kind); }
  /** Names of the functions called since the last time, one a line. */
  static std::string trace() { return call<const char*()>("sim_trace"); }
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_HOST_SIMULATED_DRIVER_HPP_
