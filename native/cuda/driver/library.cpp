#include "driver/library.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "core/status.hpp"
#include "driver/failure.hpp"

namespace dmoe::cuda {
namespace {

constexpr const char* kUsualPath = "libcuda.so.1";

// Never destroyed: calls may come while the process ends.
struct Kept {
  std::mutex mutex;
  std::map<std::string, Driver> drivers;
  std::set<std::string> texts;
};
Kept& kept() {
  static auto* const all = new Kept;
  return *all;
}

void* symbol_of(void* library, const char* path, const char* name) {
  void* symbol = dlsym(library, name);
  DMOE_REQUIRE(symbol != nullptr, DMOE_E_BACKEND,
               "unavailable, because %s lacks %s; CUDA %d.%d or newer is needed", path, name,
               kOldestDriver / 1000, kOldestDriver % 1000 / 10);
  return symbol;
}

// Costs next to nothing when it has been done.
void initialise(const Driver& driver) {
  const Result result = driver.api.cuInit(0);
  DMOE_REQUIRE(result != kNoDevice, DMOE_E_BACKEND, "unavailable, because the driver finds no device");
  DMOE_REQUIRE(result == kSuccess, DMOE_E_BACKEND, "unavailable, because cuInit gave %s",
               ResultText(driver.api, result).c_str());
  const int version = driver.version();
  DMOE_REQUIRE(version >= kOldestDriver, DMOE_E_BACKEND,
               "unavailable, because the driver is of CUDA %d.%d; %d.%d or newer is needed", version / 1000,
               version % 1000 / 10, kOldestDriver / 1000, kOldestDriver % 1000 / 10);
}

Driver open_driver(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  DMOE_REQUIRE(library != nullptr, DMOE_E_BACKEND, "unavailable, because %s was not found", path);
  Driver driver;
  // Before the rest, so that an old driver or one without a device is told as that.
#define DMOE_CUDA_LOAD(name, parameters) \
  driver.api.name = reinterpret_cast<decltype(driver.api.name)>(symbol_of(library, path, #name));
  DMOE_CUDA_LOAD(cuInit, )
  DMOE_CUDA_LOAD(cuGetErrorName, )
  DMOE_CUDA_LOAD(cuGetErrorString, )
  DMOE_CUDA_LOAD(cuDriverGetVersion, )
  initialise(driver);
  DMOE_CUDA_DRIVER_API(DMOE_CUDA_LOAD)
#undef DMOE_CUDA_LOAD
  return driver;
}

}  // namespace

int Driver::version() const {
  int version = 0;
  check(api, api.cuDriverGetVersion(&version), "cuDriverGetVersion");
  return version;
}

const Driver& load_driver(const char* path) {
  if (path == nullptr || *path == '\0') path = std::getenv("DYNAMIC_MOE_CUDA_DRIVER");
  if (path == nullptr || *path == '\0') path = kUsualPath;
  Kept& all = kept();
  const std::lock_guard lock(all.mutex);
  const auto found = all.drivers.find(path);
  if (found != all.drivers.end()) {
    initialise(found->second);
    return found->second;
  }
  return all.drivers.emplace(path, open_driver(path)).first->second;
}

const char* keep_text(const char* text) {
  Kept& all = kept();
  const std::lock_guard lock(all.mutex);
  return all.texts.emplace(text).first->c_str();
}

}  // namespace dmoe::cuda
