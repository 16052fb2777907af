#include "driver/memory.hpp"

#include "core/status.hpp"
#include "driver/failure.hpp"

namespace dmoe::cuda {

Pool::Pool(const Context& context) : context_(context), stream_(context) {
  PoolProperties properties{};
  properties.allocation_type = kAllocationPinned;
  properties.location_type = kLocationDevice;
  properties.location_id = context.device();
  const Api& api = context.api();
  context.check(api.cuMemPoolCreate(&handle_, &properties), "cuMemPoolCreate");
  uint64_t keep_all = UINT64_MAX;
  const Result result = api.cuMemPoolSetAttribute(handle_, kPoolReleaseThreshold, &keep_all);
  if (result == kSuccess) return;
  api.cuMemPoolDestroy(handle_);
  context.check(result, "cuMemPoolSetAttribute");
}

Pool::~Pool() {
  context_.api().cuStreamSynchronize(stream_.handle());
  context_.api().cuMemPoolDestroy(handle_);
}

template <typename Try>
DevicePointer Pool::take_or_retry(std::size_t bytes, const char* what, Try&& try_once) {
  const Api& api = context_.api();
  DevicePointer memory = 0;
  Result result = try_once(&memory);
  if (result == kOutOfMemory) {
    if (give_back_) give_back_();
    trim();
    result = try_once(&memory);
    if (result == kSuccess) retries_.fetch_add(1, std::memory_order_relaxed);
  }
  if (result == kOutOfMemory) {
    std::size_t free = 0, total = 0;
    api.cuMemGetInfo_v2(&free, &total);
    fail(DMOE_E_DEVICE_MEMORY,
         "%s needs %zu bytes of device memory; %zu of %zu are free after the pool was trimmed", what, bytes,
         free, total);
  }
  context_.check(result, what);
  return memory;
}

DevicePointer Pool::take(std::size_t bytes, const char* what) {
  return take_or_retry(bytes, what, [&](DevicePointer* memory) {
    // The wait makes the memory usable on every stream, and is where a shortage may show instead.
    const Result result = context_.api().cuMemAllocFromPoolAsync(memory, bytes, handle_, stream_.handle());
    if (result != kSuccess) return result;
    const Result waited = context_.api().cuStreamSynchronize(stream_.handle());
    if (waited != kSuccess) give(*memory);
    return waited;
  });
}

void Pool::give(DevicePointer memory) noexcept { context_.api().cuMemFreeAsync(memory, stream_.handle()); }

DevicePointer Pool::take_on(StreamHandle stream, std::size_t bytes, const char* what) {
  return take_or_retry(bytes, what, [&](DevicePointer* memory) {
    return context_.api().cuMemAllocFromPoolAsync(memory, bytes, handle_, stream);
  });
}

void Pool::give_on(StreamHandle stream, DevicePointer memory) noexcept {
  context_.api().cuMemFreeAsync(memory, stream);
}

void Pool::trim() {
  // What was given back is free only once the stream has come to it.
  context_.check(context_.api().cuStreamSynchronize(stream_.handle()), "trim of the memory pool");
  context_.check(context_.api().cuMemPoolTrimTo(handle_, 0), "cuMemPoolTrimTo");
}

std::pair<int64_t, int64_t> Pool::bytes() const {
  const auto ask = [&](int attribute) {
    uint64_t value = 0;
    context_.check(context_.api().cuMemPoolGetAttribute(handle_, attribute, &value), "cuMemPoolGetAttribute");
    return static_cast<int64_t>(value);
  };
  return {ask(kPoolUsedBytes), ask(kPoolReservedBytes)};
}

DeviceBuffer::DeviceBuffer(Pool& pool, std::size_t bytes, const char* what) : pool_(&pool), bytes_(bytes) {
  address_ = pool.take(bytes == 0 ? 1 : bytes, what);
}

DeviceBuffer::~DeviceBuffer() {
  if (address_ != 0) pool_->give(address_);
}

PinnedBuffer::PinnedBuffer(const Context& context, std::size_t bytes) : context_(&context), bytes_(bytes) {
  void* memory = nullptr;
  const Result result = context.api().cuMemHostAlloc(&memory, bytes == 0 ? 1 : bytes, kHostAllocDefault);
  DMOE_REQUIRE(result != kOutOfMemory, DMOE_E_NO_MEMORY,
               "%zu bytes of page-locked host memory are not to be had", bytes);
  context.check(result, "cuMemHostAlloc");
  data_ = static_cast<std::byte*>(memory);
}

PinnedBuffer::~PinnedBuffer() {
  if (data_ != nullptr) context_->api().cuMemFreeHost(data_);
}

}  // namespace dmoe::cuda
