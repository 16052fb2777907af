// Memory of the device and of the host.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "cuda/driver/state.hpp"

namespace dmoe::cuda {

using simulated::call;
using simulated::Needs;
using simulated::Pool;
using simulated::State;

namespace {

size_t reserved_on(const State& all, int device) {
  size_t bytes = 0;
  for (const auto& [handle, pool] : all.pools) bytes += pool->device == device ? pool->reserved : 0;
  for (const auto& [owner, pool] : all.default_pools) bytes += owner == device ? pool->reserved : 0;
  return bytes;
}

std::shared_ptr<Pool>& default_pool(State& all, int device) {
  auto& pool = all.default_pools[device];
  if (pool == nullptr) {
    pool = std::make_shared<Pool>();
    pool->device = device;
  }
  return pool;
}

int current_device() {
  return reinterpret_cast<simulated::Context*>(simulated::context_stack().back())->device;
}

/** Takes the bytes from the pool, which grows as far as the device has room. */
Result take(State& all, DevicePointer* memory, size_t bytes, const std::shared_ptr<Pool>& pool,
            uint64_t* address) {
  if (bytes == 0) return kInvalidValue;
  const size_t needed = pool->used + bytes;
  const size_t growth = needed > pool->reserved ? needed - pool->reserved : 0;
  if (growth > all.settings.memory - std::min(all.settings.memory, reserved_on(all, pool->device)))
    return kOutOfMemory;
  *address = all.memory.reserve(bytes);
  if (*address == 0) return kOutOfMemory;
  pool->reserved += growth;
  pool->used += bytes;
  all.owners[*address] = pool;
  *memory = *address;
  return kSuccess;
}

Result take_on(State& all, const char* name, DevicePointer* memory, size_t bytes,
               const std::shared_ptr<Pool>& pool, StreamHandle handle) {
  const auto stream = all.stream(handle);
  if (stream == nullptr || pool == nullptr) return kInvalidHandle;
  if (stream->capture != nullptr) return kStreamCaptureUnsupported;
  uint64_t address = 0;
  if (const Result result = take(all, memory, bytes, pool, &address)) return result;
  all.push(*stream, name, [&all, address]() -> Result {
    all.memory.open(address);
    return kSuccess;
  });
  return kSuccess;
}

Result give(State& all, uint64_t address) {
  const auto owner = all.owners.find(address);
  if (owner == all.owners.end()) return kInvalidValue;
  owner->second->used -= all.memory.size_of(address);
  if (owner->second->threshold == 0) owner->second->reserved = owner->second->used;
  all.owners.erase(owner);
  all.memory.close(address);
  return kSuccess;
}

}  // namespace

Result cuMemGetInfo_v2(std::size_t* free_bytes, std::size_t* total_bytes) {
  return call("cuMemGetInfo_v2", Needs::kContext, [&](State& all) -> Result {
    *total_bytes = all.settings.memory;
    *free_bytes = all.settings.memory - std::min(all.settings.memory, reserved_on(all, current_device()));
    return kSuccess;
  });
}

Result cuMemHostAlloc(void** memory, std::size_t bytes, unsigned) {
  return call("cuMemHostAlloc", Needs::kContext, [&](State& all) -> Result {
    if (bytes == 0) return kInvalidValue;
    *memory = std::malloc(bytes);
    if (*memory == nullptr) return kOutOfMemory;
    all.pinned[reinterpret_cast<uintptr_t>(*memory)] = bytes;
    return kSuccess;
  });
}

Result cuMemFreeHost(void* memory) {
  return call("cuMemFreeHost", Needs::kContext, [&](State& all) -> Result {
    if (all.pinned.erase(reinterpret_cast<uintptr_t>(memory)) == 0) return kInvalidValue;
    all.run_everything();  // it waits for work that may use the memory
    std::free(memory);
    return kSuccess;
  });
}

Result cuMemPoolCreate(PoolHandle* pool, const PoolProperties* properties) {
  return call("cuMemPoolCreate", Needs::kContext, [&](State& all) -> Result {
    if (properties->allocation_type != kAllocationPinned || properties->location_type != kLocationDevice ||
        properties->location_id < 0 || properties->location_id >= all.settings.devices) {
      return kInvalidValue;
    }
    auto made = std::make_shared<Pool>();
    made->device = properties->location_id;
    *pool = all.pools.add(std::move(made));
    return kSuccess;
  });
}

Result cuMemPoolDestroy(PoolHandle pool) {
  return call("cuMemPoolDestroy", Needs::kContext,
              [&](State& all) -> Result { return all.pools.remove(pool) ? kSuccess : kInvalidHandle; });
}

namespace {

std::shared_ptr<Pool> pool_of(const State& all, PoolHandle handle) {
  for (const auto& [device, pool] : all.default_pools) {
    if (reinterpret_cast<PoolHandle>(pool.get()) == handle) return pool;
  }
  return all.pools.find(handle);
}

}  // namespace

Result cuMemPoolSetAttribute(PoolHandle pool, int attribute, void* value) {
  return call("cuMemPoolSetAttribute", Needs::kContext, [&](State& all) -> Result {
    const auto it = pool_of(all, pool);
    if (it == nullptr) return kInvalidHandle;
    if (attribute != kPoolReleaseThreshold) return kInvalidValue;
    std::memcpy(&it->threshold, value, sizeof it->threshold);
    return kSuccess;
  });
}

Result cuMemPoolGetAttribute(PoolHandle pool, int attribute, void* value) {
  return call("cuMemPoolGetAttribute", Needs::kContext, [&](State& all) -> Result {
    const auto it = pool_of(all, pool);
    if (it == nullptr) return kInvalidHandle;
    if (attribute != kPoolReservedBytes && attribute != kPoolUsedBytes) return kInvalidValue;
    const uint64_t bytes = attribute == kPoolReservedBytes ? it->reserved : it->used;
    std::memcpy(value, &bytes, sizeof bytes);
    return kSuccess;
  });
}

Result cuMemPoolTrimTo(PoolHandle pool, std::size_t bytes_to_keep) {
  return call("cuMemPoolTrimTo", Needs::kContext, [&](State& all) -> Result {
    const auto it = pool_of(all, pool);
    if (it == nullptr) return kInvalidHandle;
    it->reserved = std::min(it->reserved, std::max(it->used, bytes_to_keep));
    return kSuccess;
  });
}

Result cuDeviceGetDefaultMemPool(PoolHandle* pool, DeviceId device) {
  return call("cuDeviceGetDefaultMemPool", Needs::kInit, [&](State& all) -> Result {
    if (device < 0 || device >= all.settings.devices) return kInvalidDevice;
    *pool = reinterpret_cast<PoolHandle>(default_pool(all, device).get());
    return kSuccess;
  });
}

Result cuMemAllocFromPoolAsync(DevicePointer* memory, std::size_t bytes, PoolHandle pool,
                               StreamHandle stream) {
  return call("cuMemAllocFromPoolAsync", Needs::kContext, [&](State& all) -> Result {
    return take_on(all, "cuMemAllocFromPoolAsync", memory, bytes, pool_of(all, pool), stream);
  });
}

Result cuMemAllocAsync(DevicePointer* memory, std::size_t bytes, StreamHandle stream) {
  return call("cuMemAllocAsync", Needs::kContext, [&](State& all) -> Result {
    return take_on(all, "cuMemAllocAsync", memory, bytes, default_pool(all, current_device()), stream);
  });
}

Result cuMemFreeAsync(DevicePointer memory, StreamHandle stream) {
  return call("cuMemFreeAsync", Needs::kContext, [&](State& all) -> Result {
    if (all.owners.count(memory) == 0) return kInvalidValue;
    const auto on = all.stream(stream);
    if (on == nullptr) return kInvalidHandle;
    all.push(*on, "cuMemFreeAsync", [&all, memory]() -> Result { return give(all, memory); });
    return kSuccess;
  });
}

Result cuMemAlloc_v2(DevicePointer* memory, std::size_t bytes) {
  return call("cuMemAlloc_v2", Needs::kContext, [&](State& all) -> Result {
    uint64_t address = 0;
    if (const Result result = take(all, memory, bytes, default_pool(all, current_device()), &address))
      return result;
    all.memory.open(address);
    return kSuccess;
  });
}

Result cuMemFree_v2(DevicePointer memory) {
  return call("cuMemFree_v2", Needs::kContext, [&](State& all) -> Result {
    if (memory == 0) return kSuccess;
    all.run_everything();
    return give(all, memory);
  });
}

Result cuPointerGetAttribute(void* value, int attribute, DevicePointer pointer) {
  return call("cuPointerGetAttribute", Needs::kContext, [&](State& all) -> Result {
    constexpr int kMemoryType = 2, kOrdinal = 9, kHost = 1, kDevice = 2;
    const bool device = all.memory.owns(pointer);
    if (!device && !all.is_pinned(reinterpret_cast<const void*>(pointer), 1)) return kInvalidValue;
    if (attribute != kMemoryType && attribute != kOrdinal) return kInvalidValue;
    *static_cast<int*>(value) = attribute == kOrdinal ? 0 : device ? kDevice : kHost;
    return kSuccess;
  });
}

}  // namespace dmoe::cuda
