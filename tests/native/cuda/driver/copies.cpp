// Copies and fills.
#include <cstring>

#include "cuda/driver/state.hpp"

namespace dmoe::cuda {

using simulated::call;
using simulated::Needs;
using simulated::State;

namespace {

/** Work on a stream that names the device's memory: checked when it runs. */
template <class Run>
Result push(State& all, const char* name, StreamHandle handle, Run run) {
  const auto stream = all.stream(handle);
  if (stream == nullptr) return kInvalidHandle;
  all.push(*stream, name, run);
  return kSuccess;
}

}  // namespace

// From pageable memory the driver copies before it returns, from pinned memory when the stream comes to it; a
// graph reads when it runs.
Result cuMemcpyHtoDAsync_v2(DevicePointer to, const void* from, std::size_t bytes, StreamHandle stream) {
  return call("cuMemcpyHtoDAsync_v2", Needs::kContext, [&](State& all) -> Result {
    const auto on = all.stream(stream);
    if (on == nullptr) return kInvalidHandle;
    const bool later = all.is_pinned(from, bytes) || on->capture != nullptr;
    const auto* begin = static_cast<const unsigned char*>(from);
    std::vector<unsigned char> staged(begin, begin + (later ? 0 : bytes));
    return push(all, "cuMemcpyHtoDAsync_v2", stream, [&all, to, from, bytes, later, staged]() -> Result {
      unsigned char* there = all.memory.bytes_at(to, bytes);
      if (there == nullptr) return kIllegalAddress;
      if (bytes > 0) std::memcpy(there, later ? from : staged.data(), bytes);
      return kSuccess;
    });
  });
}

Result cuMemcpyDtoHAsync_v2(void* to, DevicePointer from, std::size_t bytes, StreamHandle stream) {
  return call("cuMemcpyDtoHAsync_v2", Needs::kContext, [&](State& all) -> Result {
    return push(all, "cuMemcpyDtoHAsync_v2", stream, [&all, to, from, bytes]() -> Result {
      const unsigned char* there = all.memory.bytes_at(from, bytes);
      if (there == nullptr) return kIllegalAddress;
      if (bytes > 0) std::memcpy(to, there, bytes);
      return kSuccess;
    });
  });
}

Result cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from, std::size_t bytes, StreamHandle stream) {
  return call("cuMemcpyDtoDAsync_v2", Needs::kContext, [&](State& all) -> Result {
    return push(all, "cuMemcpyDtoDAsync_v2", stream, [&all, to, from, bytes]() -> Result {
      const unsigned char* source = all.memory.bytes_at(from, bytes);
      unsigned char* there = all.memory.bytes_at(to, bytes);
      if (source == nullptr || there == nullptr) return kIllegalAddress;
      std::memmove(there, source, bytes);
      return kSuccess;
    });
  });
}

Result cuMemsetD32Async(DevicePointer to, unsigned value, std::size_t words, StreamHandle stream) {
  return call("cuMemsetD32Async", Needs::kContext, [&](State& all) -> Result {
    if (to % sizeof value != 0) return kInvalidValue;
    return push(all, "cuMemsetD32Async", stream, [&all, to, value, words]() -> Result {
      unsigned char* there = all.memory.bytes_at(to, words * sizeof value);
      if (there == nullptr) return kIllegalAddress;
      for (size_t i = 0; i < words; ++i) std::memcpy(there + i * sizeof value, &value, sizeof value);
      return kSuccess;
    });
  });
}

Result cuMemsetD8Async(DevicePointer to, unsigned char value, std::size_t bytes, StreamHandle stream) {
  return call("cuMemsetD8Async", Needs::kContext, [&](State& all) -> Result {
    return push(all, "cuMemsetD8Async", stream, [&all, to, value, bytes]() -> Result {
      unsigned char* there = all.memory.bytes_at(to, bytes);
      if (there == nullptr) return kIllegalAddress;
      std::memset(there, value, bytes);
      return kSuccess;
    });
  });
}

Result cuMemcpyHtoD_v2(DevicePointer to, const void* from, std::size_t bytes) {
  return call("cuMemcpyHtoD_v2", Needs::kContext, [&](State& all) -> Result {
    if (const Result result = all.run_all(*all.legacy_stream)) return result;
    unsigned char* there = all.memory.bytes_at(to, bytes);
    if (there == nullptr) return kInvalidValue;
    std::memcpy(there, from, bytes);
    return kSuccess;
  });
}

Result cuMemcpyDtoH_v2(void* to, DevicePointer from, std::size_t bytes) {
  return call("cuMemcpyDtoH_v2", Needs::kContext, [&](State& all) -> Result {
    if (const Result result = all.run_all(*all.legacy_stream)) return result;
    const unsigned char* there = all.memory.bytes_at(from, bytes);
    if (there == nullptr) return kInvalidValue;
    std::memcpy(to, there, bytes);
    return kSuccess;
  });
}

}  // namespace dmoe::cuda
