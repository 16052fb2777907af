// Batches in device memory, and calls with them on streams.
#ifndef DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_BATCH_HPP_
#define DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_BATCH_HPP_

#include "cuda/host/device_fixture.hpp"

namespace dmoe::test {

/** Device memory for a test. */
class DeviceArray {
 public:
  DeviceArray(const DeviceHandle& device, std::size_t count) : device_(device.get()), count_(count) {
    EXPECT_EQ(dmoe_device_alloc(device_, static_cast<int64_t>(count * 4), &address_), DMOE_OK)
        << dmoe_last_error();
  }
  ~DeviceArray() { EXPECT_EQ(dmoe_device_free(device_, address_), DMOE_OK); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  uint64_t address() const { return address_; }
  template <typename T>
  void put(const std::vector<T>& values) {
    EXPECT_EQ(dmoe_device_upload(device_, address_, values.data(), static_cast<int64_t>(count_ * 4), nullptr),
              DMOE_OK);
  }
  template <typename T>
  std::vector<T> get() const {
    std::vector<T> values(count_);
    EXPECT_EQ(
        dmoe_device_download(device_, values.data(), address_, static_cast<int64_t>(count_ * 4), nullptr),
        DMOE_OK);
    return values;
  }

 private:
  dmoe_device* device_;
  std::size_t count_;
  uint64_t address_ = 0;
};

/** A batch in device memory. */
struct DeviceBatch {
  DeviceBatch(const DeviceHandle& device, const TestLayer& layer, const std::vector<float>& x, int32_t slots)
      : tokens(static_cast<int64_t>(x.size()) / layer.spec().hidden),
        hidden(device, x.size()),
        output(device, x.size()),
        ids(device, static_cast<std::size_t>(tokens * slots)),
        weights(device, static_cast<std::size_t>(tokens * slots)) {
    hidden.put(x);
    forward.struct_size = sizeof forward;
    forward.slots = slots;
    forward.tokens = tokens;
    forward.hidden_stride = forward.output_stride = layer.spec().hidden;
    forward.hidden = hidden.address();
    forward.output = output.address();
    forward.ids = ids.address();
    forward.weights = weights.address();
  }
  int64_t tokens;
  DeviceArray hidden, output, ids, weights;
  dmoe_device_forward forward{};
};

class OnStream : public OnDevice {
 protected:
  static CompletionHandle start(const DeviceLayerHandle& copy, const DeviceBatch& batch,
                                const dmoe_route_params& params, void* stream) {
    dmoe_completion* completion = nullptr;
    EXPECT_EQ(dmoe_device_layer_forward_async(copy.get(), &batch.forward, &params, stream, &completion),
              DMOE_OK)
        << dmoe_last_error();
    return {completion, dmoe_completion_destroy};
  }
  static std::string start_told(const DeviceLayerHandle& copy, const dmoe_device_forward& forward,
                                const dmoe_route_params& params, void* stream = nullptr) {
    dmoe_completion* completion = nullptr;
    const std::string text =
        told(dmoe_device_layer_forward_async(copy.get(), &forward, &params, stream, &completion));
    EXPECT_EQ(completion, nullptr);
    dmoe_completion_destroy(completion);
    return text;
  }
  static void* stream_of(const DeviceHandle& device) {
    void* stream = nullptr;
    EXPECT_EQ(dmoe_device_stream_create(device.get(), &stream), DMOE_OK);
    return stream;
  }
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_BATCH_HPP_
