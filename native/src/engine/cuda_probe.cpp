#include "engine/cuda_probe.hpp"

#include <dlfcn.h>

#include <cstdio>

namespace dmoe {
namespace {

struct Answer {
  char text[160];
};

Answer probe() noexcept {
  Answer answer{};
  const auto say = [&](const char* format, int value) {
    std::snprintf(answer.text, sizeof answer.text, format, value);
  };
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) {
    say("unavailable, because libcuda.so.1 was not found", 0);
    return answer;
  }
  // The driver stays loaded: unloading it while it may have threads of its own is not safe.
  const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  const auto count = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDeviceGetCount"));
  int devices = 0, error = 0;
  if (init == nullptr || count == nullptr)
    say("unavailable, because libcuda.so.1 lacks cuInit or cuDeviceGetCount", 0);
  else if ((error = init(0)) != 0)
    say("unavailable, because cuInit returned error %d", error);
  else if ((error = count(&devices)) != 0)
    say("unavailable, because cuDeviceGetCount returned error %d", error);
  else if (devices == 0)
    say("unavailable, because the driver reports no device", 0);
  else
    say("unavailable, because this build has no CUDA backend; the driver reports %d device(s)", devices);
  return answer;
}

}  // namespace

const char* cuda_reason() noexcept {
  static const Answer answer = probe();
  return answer.text;
}

}  // namespace dmoe
