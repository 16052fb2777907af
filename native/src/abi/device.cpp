// Exports: CUDA devices, their memory and streams.
#include "host/device.hpp"

#include "abi/guard.hpp"
#include "abi/handles.hpp"
#include "core/views.hpp"
#include "driver/devices.hpp"

using namespace dmoe;

namespace {

dmoe_device_options default_options() {
  dmoe_device_options options{};
  options.struct_size = sizeof options;
  options.index = -1;
  options.max_calls = 4;
  return options;
}

cuda::StreamHandle stream_of(void* stream) { return static_cast<cuda::StreamHandle>(stream); }

cuda::Device& engine_of(const dmoe_device* device) {
  require_pointer(device, "device");
  return *device->engine;
}

void check_copy(uint64_t address, const void* host, int64_t bytes) {
  DMOE_REQUIRE(bytes >= 0 && bytes <= kLargestBytes, DMOE_E_SHAPE, "bytes is %lld, must be >= 0",
               static_cast<long long>(bytes));
  if (bytes == 0) return;
  require_pointer(host, "host memory");
  DMOE_REQUIRE(address != 0, DMOE_E_ARGUMENT, "the device address is 0");
}

}  // namespace

dmoe_status dmoe_device_count(const char* driver_path, int32_t* count) {
  return guard("device_count", [&] {
    require_pointer(count, "count");
    int32_t found = 0;
    try {
      found = static_cast<int32_t>(cuda::list_devices(cuda::load_driver(driver_path)).size());
    } catch (const Status& status) {
      if (status.code() != DMOE_E_BACKEND) throw;
    }
    *count = found;
  });
}

dmoe_status dmoe_device_query(const char* driver_path, int32_t index, dmoe_device_info* info) {
  return guard("device_query", [&] {
    read_struct(info, dmoe_device_info{}, "info");
    const cuda::Driver& driver = cuda::load_driver(driver_path);
    dmoe_device_info answer{};
    if (index < 0) {
      DMOE_REQUIRE(index == -1, DMOE_E_OPTIONS, "index is %d, must be >= -1", index);
      answer = cuda::choose_device(driver, -1);
    } else {
      const auto all = cuda::list_devices(driver);
      DMOE_REQUIRE(static_cast<std::size_t>(index) < all.size(), DMOE_E_OPTIONS,
                   "index is %d, must be within -1..%d", index, static_cast<int>(all.size()) - 1);
      answer = all[static_cast<std::size_t>(index)];
    }
    write_struct(&answer, info, sizeof answer);
  });
}

dmoe_status dmoe_device_open(const dmoe_device_options* options, dmoe_device** device) {
  return guard("device_open", [&] {
    require_pointer(device, "device");
    const dmoe_device_options read =
        options == nullptr ? default_options() : read_struct(options, default_options(), "options");
    DMOE_REQUIRE(read.index >= -1, DMOE_E_OPTIONS, "index is %d, must be >= -1", read.index);
    require_option(read.max_calls, 1, 64, "max_calls");
    require_option(read.check_ops, 0, 1, "check_ops");
    auto handle = std::make_unique<dmoe_device>();
    handle->engine = std::make_shared<cuda::Device>(read);
    *device = handle.release();
  });
}

void dmoe_device_destroy(dmoe_device* device) { delete device; }

dmoe_status dmoe_device_describe(const dmoe_device* device, dmoe_device_info* info) {
  return guard("device_describe", [&] {
    const cuda::Device& engine = engine_of(device);
    read_struct(info, dmoe_device_info{}, "info");
    write_struct(&engine.info(), info, sizeof(dmoe_device_info));
  });
}

dmoe_status dmoe_device_health(const dmoe_device* device) {
  return guard("device_health", [&] { engine_of(device).require_healthy(); });
}

dmoe_status dmoe_device_memory(const dmoe_device* device, dmoe_device_usage* usage) {
  return guard("device_memory", [&] {
    const cuda::Device& engine = engine_of(device);
    read_struct(usage, dmoe_device_usage{}, "usage");
    const dmoe_device_usage answer = engine.usage();
    write_struct(&answer, usage, sizeof answer);
  });
}

dmoe_status dmoe_device_trim(const dmoe_device* device) {
  return guard("device_trim", [&] { engine_of(device).trim(); });
}

dmoe_status dmoe_device_alloc(dmoe_device* device, int64_t bytes, uint64_t* address) {
  return guard("device_alloc", [&] {
    cuda::Device& engine = engine_of(device);
    require_pointer(address, "address");
    *address = engine.allocate(bytes);
  });
}

dmoe_status dmoe_device_free(dmoe_device* device, uint64_t address) {
  return guard("device_free", [&] { engine_of(device).release(address); });
}

dmoe_status dmoe_device_upload(const dmoe_device* device, uint64_t to, const void* from, int64_t bytes,
                               void* stream) {
  return guard("device_upload", [&] {
    const cuda::Device& engine = engine_of(device);
    check_copy(to, from, bytes);
    engine.upload(to, from, bytes, stream_of(stream));
  });
}

dmoe_status dmoe_device_download(const dmoe_device* device, void* to, uint64_t from, int64_t bytes,
                                 void* stream) {
  return guard("device_download", [&] {
    const cuda::Device& engine = engine_of(device);
    check_copy(from, to, bytes);
    engine.download(to, from, bytes, stream_of(stream));
  });
}

dmoe_status dmoe_device_stream_create(const dmoe_device* device, void** stream) {
  return guard("device_stream_create", [&] {
    const cuda::Device& engine = engine_of(device);
    require_pointer(stream, "stream");
    *stream = engine.create_stream();
  });
}

dmoe_status dmoe_device_stream_close(const dmoe_device* device, void* stream) {
  return guard("device_stream_close", [&] { engine_of(device).close_stream(stream_of(stream)); });
}

dmoe_status dmoe_device_stream_wait(const dmoe_device* device, void* stream) {
  return guard("device_stream_wait", [&] { engine_of(device).wait_for(stream_of(stream)); });
}

dmoe_status dmoe_device_stream_query(const dmoe_device* device, void* stream, int32_t* done) {
  return guard("device_stream_query", [&] {
    const cuda::Device& engine = engine_of(device);
    require_pointer(done, "done");
    *done = engine.query(stream_of(stream)) ? 1 : 0;
  });
}
