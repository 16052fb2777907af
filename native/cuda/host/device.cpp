#include "host/device.hpp"

#include "core/status.hpp"
#include "core/views.hpp"
#include "driver/devices.hpp"

namespace dmoe::cuda {

Device::Device(const dmoe_device_options& options, const PtxImage* images, int image_count)
    : driver_(load_driver(options.driver_path)),
      info_(choose_device(driver_, options.index)),
      check_ops_(options.check_ops != 0),
      context_(driver_, info_.index) {
  const Current current(context_);
  parts_ = std::make_unique<Parts>(context_, images, image_count, options.max_calls);
  parts_->pool.when_short([this] { parts_->lanes.free_idle(); });
}

Device::~Device() {
  try {
    const Current current(context_);
    parts_.reset();
  } catch (...) {
    // The context cannot be made current any more, so nothing in it can be freed; it goes with the process.
    parts_.release();  // NOLINT
  }
}

void Device::run(Lane& lane, StreamHandle stream, bool graphs, const char* operation) const {
  bool as_graph = false;
  if (check_ops_ || !graphs)
    lane.program.enqueue(context_, stream, check_ops_);
  else
    as_graph = lane.graphs.run(context_, lane.program, stream, lane.stream.handle(), operation);
  (as_graph ? graph_launches_ : launches_).fetch_add(1, std::memory_order_relaxed);
}

template <typename Enqueue>
void Device::settle(StreamHandle stream, const char* operation, Enqueue&& enqueue) const {
  try {
    enqueue();
    wait(stream, operation);
  } catch (...) {
    context_.api().cuStreamSynchronize(stream);
    throw;
  }
}

void Device::run_and_wait(Lane& lane, bool graphs, const char* operation) const {
  settle(lane.stream.handle(), operation, [&] { run(lane, lane.stream.handle(), graphs, operation); });
}

void Device::wait(StreamHandle stream, const char* operation) const {
  context_.check(context_.api().cuStreamSynchronize(stream), operation);
}

void Device::require_healthy() const {
  context_.require_alive();
  const Current current(context_);
  Lanes::Lease lane = lanes().lease(sizeof(uint32_t), sizeof(uint32_t));
  constexpr uint32_t kWord = 0x5aa5c33c;
  Program& program = lane->program;
  program.clear();
  program.fill("health: write", lane->workspace.address(), kWord, 1);
  program.copy_out("health: read", lane->staging.data(), lane->workspace.address(), sizeof kWord);
  std::memset(lane->staging.data(), 0, sizeof kWord);
  const StreamHandle stream = lane->stream.handle();
  settle(stream, "health", [&] { program.enqueue(context_, stream, false); });
  uint32_t found = 0;
  std::memcpy(&found, lane->staging.data(), sizeof found);
  DMOE_REQUIRE(found == kWord, DMOE_E_BACKEND, "the device gave 0x%08x back for 0x%08x", found, kWord);
}

dmoe_device_usage Device::usage() const {
  context_.require_alive();
  const Current current(context_);
  std::size_t free = 0, total = 0;
  context_.check(context_.api().cuMemGetInfo_v2(&free, &total), "cuMemGetInfo");
  const auto [used, reserved] = pool().bytes();
  dmoe_device_usage usage{};
  usage.struct_size = sizeof usage;
  usage.calls = lanes().in_use();
  usage.free_bytes = static_cast<int64_t>(free);
  usage.total_bytes = static_cast<int64_t>(total);
  usage.used_bytes = used;
  usage.reserved_bytes = reserved;
  usage.launches = launches_.load(std::memory_order_relaxed);
  usage.graph_launches = graph_launches_.load(std::memory_order_relaxed);
  usage.retries = pool().retries();
  return usage;
}

void Device::trim() const {
  context_.require_alive();
  const Current current(context_);
  lanes().free_idle();
  pool().trim();
}

DevicePointer Device::allocate(int64_t bytes) {
  DMOE_REQUIRE(bytes >= 1 && bytes <= kLargestBytes, DMOE_E_SHAPE, "bytes is %lld, must be within 1..%lld",
               static_cast<long long>(bytes), static_cast<long long>(kLargestBytes));
  context_.require_alive();
  const Current current(context_);
  DeviceBuffer buffer(pool(), static_cast<std::size_t>(bytes), "device_alloc");
  const DevicePointer address = buffer.address();
  const std::lock_guard lock(parts_->mutex);
  parts_->allocations.emplace(address, std::move(buffer));
  return address;
}

void Device::release(DevicePointer address) {
  if (address == 0) return;
  const Current current(context_);
  const std::lock_guard lock(parts_->mutex);
  DMOE_REQUIRE(parts_->allocations.erase(address) == 1, DMOE_E_ARGUMENT,
               "0x%llx is not an address of device_alloc", address);
}

void Device::upload(DevicePointer to, const void* from, int64_t bytes, StreamHandle stream) const {
  context_.require_alive();
  const Current current(context_);
  if (stream == nullptr) stream = own_stream();
  if (bytes != 0)
    context_.check(context_.api().cuMemcpyHtoDAsync_v2(to, from, static_cast<std::size_t>(bytes), stream),
                   "upload");
  wait(stream, "upload");
}

void Device::download(void* to, DevicePointer from, int64_t bytes, StreamHandle stream) const {
  context_.require_alive();
  const Current current(context_);
  if (stream == nullptr) stream = own_stream();
  if (bytes != 0)
    context_.check(context_.api().cuMemcpyDtoHAsync_v2(to, from, static_cast<std::size_t>(bytes), stream),
                   "download");
  wait(stream, "download");
}

StreamHandle Device::create_stream() const {
  context_.require_alive();
  const Current current(context_);
  auto stream = std::make_unique<Stream>(context_);
  const StreamHandle handle = stream->handle();
  const std::lock_guard lock(parts_->mutex);
  parts_->streams.emplace(handle, std::move(stream));
  return handle;
}

void Device::close_stream(StreamHandle stream) const {
  if (stream == nullptr) return;
  const Current current(context_);
  std::unique_ptr<Stream> closed;
  {
    const std::lock_guard lock(parts_->mutex);
    const auto found = parts_->streams.find(stream);
    DMOE_REQUIRE(found != parts_->streams.end(), DMOE_E_ARGUMENT,
                 "stream is not one of device_stream_create");
    closed = std::move(found->second);
    parts_->streams.erase(found);
  }
}

void Device::wait_for(StreamHandle stream) const {
  context_.require_alive();
  const Current current(context_);
  wait(stream == nullptr ? own_stream() : stream, "stream");
}

bool Device::query(StreamHandle stream) const {
  context_.require_alive();
  const Current current(context_);
  const Result result = context_.api().cuStreamQuery(stream == nullptr ? own_stream() : stream);
  if (result == kNotReady) return false;
  context_.check(result, "stream");
  return true;
}

}  // namespace dmoe::cuda
