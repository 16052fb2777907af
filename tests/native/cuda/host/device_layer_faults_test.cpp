// What a layer on a device says when it cannot be made or the driver fails, and that it goes on afterwards.
#include "cuda/host/device_calls.hpp"

namespace dmoe::test {
namespace {

class DeviceLayerFaults : public OnDevice {};

TEST_F(DeviceLayerFaults, Create_WhenTheLayerIsTooLargeForADevice_NamesTheLimit) {
  const TestLayer layer(spec(8, 8, 513, 1, DMOE_FORMAT_F32));
  const DeviceHandle device = open_device();
  dmoe_device_layer* copy = nullptr;
  EXPECT_EQ(told(dmoe_device_layer_create(device.get(), layer.layer(), nullptr, &copy)),
            "DMOE_E_OPTIONS device_layer_create: the layer has 513 experts; a device takes at most 512");
  EXPECT_EQ(copy, nullptr);
}

TEST_F(DeviceLayerFaults, Create_WhenMemoryRunsOut_LeavesNothing) {
  Simulation::machine("memory=4096");
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  dmoe_device_layer* copy = nullptr;
  EXPECT_EQ(dmoe_device_layer_create(device.get(), layer.layer(), nullptr, &copy), DMOE_E_DEVICE_MEMORY);
  EXPECT_NE(std::string(dmoe_last_error()).find("device memory"), std::string::npos) << dmoe_last_error();
}

TEST_F(DeviceLayerFaults, Forward_WhenAnyDriverCallFails_SaysWhichAndGoesOnAfterwards) {
  const TestLayer layer(small_spec());
  const Call call = call_of(layer, 2);
  const std::vector<float> x = layer.tokens(6);
  const struct {
    const char* function;
    const char* told;
  } cases[] = {{"cuMemAllocFromPoolAsync", "the workspace of a call"},
               {"cuMemHostAlloc", "cuMemHostAlloc"},
               {"cuEventCreate", "cuEventCreate"},
               {"cuMemcpyHtoDAsync_v2", "copy to the device"},
               {"cuMemsetD32Async", "clear of failures"},
               {"cuLaunchKernel", "route"},
               {"cuMemcpyDtoHAsync_v2", "copy from the device"},
               {"cuCtxPushCurrent_v2", "cuCtxPushCurrent"}};
  for (const auto& one : cases) {
    const DeviceHandle device = open_device();
    const DeviceLayerHandle copy = copy_layer(device, layer.layer());
    Simulation::fail(one.function, 1, 999);
    const Outcome failed = on_device(copy, layer, x, call);
    EXPECT_EQ(failed.status, DMOE_E_BACKEND) << one.function;
    EXPECT_EQ(failed.text.find(std::string("device_layer_forward: ") + one.told), 0u) << failed.text;
    EXPECT_EQ(failed.output[0], -77);
    EXPECT_EQ(failed.ids[0], -77);
    const Outcome again = on_device(copy, layer, x, call);
    EXPECT_EQ(again.status, DMOE_OK) << one.function << ": " << again.text;
  }
}

TEST_F(DeviceLayerFaults, Forward_WhenAKernelFaults_IsABackendErrorThatStays) {
  const TestLayer layer(small_spec());
  const Call call = call_of(layer, 2);
  device_is_lost();
  for (const int32_t check_ops : {0, 1}) {
    Simulation::machine();
    dmoe_device_options options = device_options();
    options.check_ops = check_ops;
    const DeviceHandle device = open_device(options);
    const DeviceLayerHandle copy = copy_layer(device, layer.layer());
    Simulation::break_kernel("dmoe_combine");
    const Outcome failed = on_device(copy, layer, layer.tokens(6), call);
    EXPECT_EQ(failed.status, DMOE_E_BACKEND);
    const std::string op = check_ops != 0 ? "combine" : "layer";
    EXPECT_EQ(failed.text.find("device_layer_forward: " + op + ": CUDA_ERROR_ILLEGAL_ADDRESS (700)"), 0u)
        << failed.text;
    EXPECT_EQ(failed.output[0], -77);
    const Outcome again = on_device(copy, layer, layer.tokens(6), call);
    EXPECT_EQ(again.text.find("device_layer_forward: the device is lost since an earlier call ended in "
                              "CUDA_ERROR_ILLEGAL_ADDRESS (700)"),
              0u)
        << again.text;
  }
}

}  // namespace
}  // namespace dmoe::test
