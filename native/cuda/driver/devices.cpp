#include "driver/devices.hpp"

#include <cstdio>
#include <tuple>

#include "core/status.hpp"
#include "driver/context.hpp"
#include "driver/failure.hpp"

namespace dmoe::cuda {
namespace {

int capability(const dmoe_device_info& info) { return 10 * info.capability_major + info.capability_minor; }

// Attributes that an older driver does not know read as 0.
int attribute(const Api& api, DeviceId device, int which) {
  int value = 0;
  return api.cuDeviceGetAttribute(&value, which, device) == kSuccess ? value : 0;
}

const char* reason_of(const Api& api, DeviceId device, const dmoe_device_info& info, int32_t* usable) {
  char text[300];
  *usable = 0;
  if (capability(info) < kOldestCapability)
    std::snprintf(text, sizeof text,
                  "unavailable, because %s has compute capability %d.%d; %d.%d or newer is needed", info.name,
                  info.capability_major, info.capability_minor, kOldestCapability / 10,
                  kOldestCapability % 10);
  else if (attribute(api, device, kAttributeComputeMode) == kComputeModeProhibited)
    std::snprintf(text, sizeof text, "unavailable, because %s is set to compute mode 'prohibited'",
                  info.name);
  else if (attribute(api, device, kAttributeMemoryPools) == 0)
    std::snprintf(text, sizeof text, "unavailable, because %s has no memory pools", info.name);
  else {
    *usable = 1;
    std::snprintf(text, sizeof text, "available: %s, compute capability %d.%d, driver of CUDA %d.%d",
                  info.name, info.capability_major, info.capability_minor, info.driver_version / 1000,
                  info.driver_version % 1000 / 10);
  }
  return keep_text(text);
}

dmoe_device_info describe(const Driver& driver, int index) {
  const Api& api = driver.api;
  DeviceId device = 0;
  check(api, api.cuDeviceGet(&device, index), "cuDeviceGet");
  char name[256] = {};
  check(api, api.cuDeviceGetName(name, sizeof name - 1, device), "cuDeviceGetName");
  std::size_t bytes = 0;
  check(api, api.cuDeviceTotalMem_v2(&bytes, device), "cuDeviceTotalMem");
  dmoe_device_info info{};
  info.struct_size = sizeof info;
  info.index = index;
  info.capability_major = attribute(api, device, kAttributeCapabilityMajor);
  info.capability_minor = attribute(api, device, kAttributeCapabilityMinor);
  info.multiprocessors = attribute(api, device, kAttributeMultiprocessors);
  info.clock_khz = attribute(api, device, kAttributeClockKilohertz);
  info.memory_clock_khz = attribute(api, device, kAttributeMemoryClockKilohertz);
  info.memory_bus_bits = attribute(api, device, kAttributeMemoryBusBits);
  info.shared_bytes = attribute(api, device, kAttributeSharedBytesOptIn);
  info.driver_version = driver.version();
  info.l2_bytes = attribute(api, device, kAttributeL2Bytes);
  info.total_bytes = static_cast<int64_t>(bytes);
  info.name = keep_text(name);
  info.reason = reason_of(api, device, info, &info.usable);
  return info;
}

// Needs a context, which takes memory and time; asked only where devices are otherwise equal.
std::size_t free_bytes(const Driver& driver, int index) noexcept {
  try {
    const Context context(driver, index);
    const Current current(context);
    std::size_t free = 0, total = 0;
    return driver.api.cuMemGetInfo_v2(&free, &total) == kSuccess ? free : 0;
  } catch (...) {
    return 0;
  }
}

auto score(const dmoe_device_info& info) {
  const int64_t bandwidth = int64_t{info.memory_clock_khz} * info.memory_bus_bits;
  return std::tuple(bandwidth, capability(info), info.multiprocessors, info.total_bytes);
}

}  // namespace

std::vector<dmoe_device_info> list_devices(const Driver& driver) {
  int count = 0;
  check(driver.api, driver.api.cuDeviceGetCount(&count), "cuDeviceGetCount");
  std::vector<dmoe_device_info> devices;
  for (int i = 0; i < count; ++i) devices.push_back(describe(driver, i));
  return devices;
}

dmoe_device_info choose_device(const Driver& driver, int index, bool ask_for_free_memory) {
  const std::vector<dmoe_device_info> devices = list_devices(driver);
  DMOE_REQUIRE(!devices.empty(), DMOE_E_BACKEND, "unavailable, because the driver finds no device");
  if (index >= 0) {
    DMOE_REQUIRE(index < static_cast<int>(devices.size()), DMOE_E_OPTIONS,
                 "index is %d, must be within -1..%d", index, static_cast<int>(devices.size()) - 1);
    const dmoe_device_info& named = devices[static_cast<std::size_t>(index)];
    DMOE_REQUIRE(named.usable != 0, DMOE_E_BACKEND, "%s", named.reason);
    return named;
  }
  const dmoe_device_info* best = nullptr;
  std::size_t best_free = 0;
  bool asked = false;
  for (const dmoe_device_info& info : devices) {
    if (info.usable == 0) continue;
    if (best == nullptr || score(info) > score(*best)) {
      best = &info;
      asked = false;
    } else if (ask_for_free_memory && score(info) == score(*best)) {
      if (!asked) best_free = free_bytes(driver, best->index);
      asked = true;
      const std::size_t free = free_bytes(driver, info.index);
      if (free <= best_free) continue;
      best = &info;
      best_free = free;
    }
  }
  DMOE_REQUIRE(best != nullptr, DMOE_E_BACKEND, "%s", devices.front().reason);
  return *best;
}

const char* cuda_reason() noexcept {
  static const char* const answer = []() noexcept -> const char* {
    try {
      return choose_device(load_driver(nullptr), -1, false).reason;
    } catch (const Status& status) {
      try {
        return keep_text(status.what());
      } catch (...) {
      }
    } catch (...) {
    }
    return "unavailable, because memory ran out while the driver was asked";
  }();
  return answer;
}

}  // namespace dmoe::cuda
