#include "cuda/driver/simulated_driver.hpp"

#include <dlfcn.h>

#include <stdexcept>

namespace dmoe::test {
namespace {

void* symbol(const char* name) {
  static void* const library = dlopen(SimulatedDriver::path(), RTLD_NOW | RTLD_LOCAL);
  void* found = library == nullptr ? nullptr : dlsym(library, name);
  if (found == nullptr) throw std::runtime_error(std::string(SimulatedDriver::path()) + " lacks " + name);
  return found;
}
template <class Function>
Function* function(const char* name) {
  return reinterpret_cast<Function*>(symbol(name));
}

}  // namespace

SimulatedDriver::SimulatedDriver(const std::string& settings) {
  if (function<int(const char*)>("dmoe_simulated_reset")(settings.c_str()) == 0) {
    throw std::runtime_error("settings of the simulated driver: " + settings);
  }
}

SimulatedDriver SimulatedDriver::running() { return SimulatedDriver(Running()); }

void SimulatedDriver::add_faults(const std::string& faults) const {
  if (function<int(const char*)>("dmoe_simulated_add")(faults.c_str()) == 0) {
    throw std::runtime_error("faults of the simulated driver: " + faults);
  }
}

const SimulatedApi& SimulatedDriver::api() const {
  static const SimulatedApi api = [] {
    SimulatedApi out;
#define DMOE_SIMULATED_LOAD(name, parameters) out.name = reinterpret_cast<decltype(out.name)>(symbol(#name));
    DMOE_CUDA_DRIVER_API(DMOE_SIMULATED_LOAD)
    DMOE_SIMULATED_EXTRA_API(DMOE_SIMULATED_LOAD)
#undef DMOE_SIMULATED_LOAD
    return out;
  }();
  return api;
}

std::string SimulatedDriver::trace() const { return function<const char*()>("dmoe_simulated_trace")(); }
std::string SimulatedDriver::live() const { return function<const char*()>("dmoe_simulated_live")(); }
long SimulatedDriver::count(const char* name) const {
  return function<long(const char*)>("dmoe_simulated_count")(name);
}
long SimulatedDriver::pending() const { return function<long()>("dmoe_simulated_pending")(); }

const char* SimulatedDriver::path() { return DMOE_BUILD_DIR "/simulated_cuda/libcuda.so.1"; }
const char* SimulatedDriver::old_path() { return DMOE_BUILD_DIR "/simulated_cuda_old/libcuda.so.1"; }

}  // namespace dmoe::test
