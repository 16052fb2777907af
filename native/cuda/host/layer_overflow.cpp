// Which expert made a token's output not finite: what the kernels do not tell, read from the chunk's memory
// afterwards.
#include <vector>

#include "core/status.hpp"
#include "host/device_layer.hpp"

namespace dmoe::cuda {
namespace {

// Copies out of a chunk's device memory and waits.
class Reader {
 public:
  Reader(const Device& device, StreamHandle stream) : device_(device), stream_(stream) {}

  template <typename T>
  std::vector<T> read(const T* from, int64_t count) const {
    std::vector<T> values(static_cast<std::size_t>(count));
    const auto address = static_cast<DevicePointer>(reinterpret_cast<uintptr_t>(from));
    device_.context().check(device_.context().api().cuMemcpyDtoHAsync_v2(values.data(), address,
                                                                         values.size() * sizeof(T), stream_),
                            "copy from the device");
    device_.wait(stream_, "copy from the device");
    return values;
  }

 private:
  const Device& device_;
  StreamHandle stream_;
};

}  // namespace

void DeviceLayer::require_finite(StreamHandle stream, const ChunkShape& shape, const ChunkLayout& layout,
                                 const ChunkMemory& memory, int64_t first, int64_t tokens) const {
  const int32_t token = memory.on_host<Failures>(layout.failures)->overflow;
  if (token == kNoFailure) return;
  const auto named = static_cast<long long>(first + token);
  const Reader reader(*device_, stream);
  const int64_t hidden = router_->hidden();
  const auto finite = [&](const float* row) {
    return first_not_finite(reader.read(row, hidden).data(), hidden) < 0;
  };

  const std::vector<int32_t> rows =
      reader.read(memory.on_device<const int32_t>(layout.rows) + int64_t{token} * shape.slots, shape.slots);
  const int32_t* const offsets = memory.on_host<int32_t>(layout.offsets);
  int32_t last = -1;
  for (const int32_t row : rows) {
    if (row < 0) continue;
    int32_t expert = 0;
    while (offsets[expert + 1] <= row) ++expert;
    last = expert;
    DMOE_REQUIRE(finite(memory.on_device<const float>(layout.y) + row * hidden), DMOE_E_OVERFLOW,
                 "token %lld: expert %d gives a value that is not finite", named, expert);
  }
  const int32_t shared = setup_.shared == nullptr ? 0 : setup_.shared->count();
  for (int32_t s = 0; s < shared; ++s)
    DMOE_REQUIRE(finite(memory.on_device<const float>(layout.shared_y) + (s * tokens + token) * hidden),
                 DMOE_E_OVERFLOW, "token %lld: shared expert %d gives a value that is not finite", named, s);
  fail(DMOE_E_OVERFLOW,
       "token %lld: %sexpert %d gives a value that is not finite in the sum of the token's experts", named,
       shared > 0 ? "shared " : "", shared > 0 ? shared - 1 : last);
}

}  // namespace dmoe::cuda
