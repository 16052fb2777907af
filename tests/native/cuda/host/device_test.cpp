// An open device: memory, streams, health, and what is left when it is lost or closed.
#include <numeric>

#include "cuda/host/device_fixture.hpp"

namespace dmoe::test {
namespace {

class Device : public OnDevice {
 protected:
  static dmoe_device_usage usage(const DeviceHandle& device) {
    dmoe_device_usage u{};
    u.struct_size = sizeof u;
    EXPECT_EQ(dmoe_device_memory(device.get(), &u), DMOE_OK) << dmoe_last_error();
    return u;
  }
};

TEST_F(Device, Memory_WhenCopiedThereAndBack_IsTheSame) {
  const DeviceHandle device = open_device();
  std::vector<int> values(1000), back(1000);
  std::iota(values.begin(), values.end(), 7);
  uint64_t address = 0;
  ASSERT_EQ(dmoe_device_alloc(device.get(), 4000, &address), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(address % 256, 0u);
  void* stream = nullptr;
  ASSERT_EQ(dmoe_device_stream_create(device.get(), &stream), DMOE_OK);
  for (void* on : {stream, static_cast<void*>(nullptr)}) {
    ASSERT_EQ(dmoe_device_upload(device.get(), address, values.data(), 4000, on), DMOE_OK);
    ASSERT_EQ(dmoe_device_download(device.get(), back.data(), address, 4000, on), DMOE_OK);
    EXPECT_EQ(values, back);
  }
  EXPECT_GE(usage(device).used_bytes, 4000);
  EXPECT_EQ(dmoe_device_stream_wait(device.get(), stream), DMOE_OK);
  int32_t done = 0;
  EXPECT_EQ(dmoe_device_stream_query(device.get(), stream, &done), DMOE_OK);
  EXPECT_EQ(done, 1);
  EXPECT_EQ(dmoe_device_stream_close(device.get(), stream), DMOE_OK);
  EXPECT_EQ(told(dmoe_device_stream_close(device.get(), stream)),
            "DMOE_E_ARGUMENT device_stream_close: stream is not one of device_stream_create");
  EXPECT_EQ(dmoe_device_free(device.get(), address), DMOE_OK);
  EXPECT_EQ(dmoe_device_free(device.get(), 0), DMOE_OK);
  EXPECT_EQ(dmoe_device_free(device.get(), address), DMOE_E_ARGUMENT);
}

TEST_F(Device, Memory_WhenArgumentsAreWrong_IsRefused) {
  const DeviceHandle device = open_device();
  uint64_t address = 5;
  EXPECT_EQ(dmoe_device_alloc(device.get(), 0, &address), DMOE_E_SHAPE);
  EXPECT_EQ(address, 5u);
  EXPECT_EQ(dmoe_device_upload(device.get(), 0, &address, 8, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_upload(device.get(), 256, nullptr, 8, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_download(device.get(), &address, 256, -1, nullptr), DMOE_E_SHAPE);
  EXPECT_EQ(dmoe_device_download(device.get(), nullptr, 0, 0, nullptr), DMOE_OK);
}

TEST_F(Device, Alloc_WhenMemoryRunsOut_TrimsThePoolAndTriesOnceMore) {
  Simulation::machine("memory=1048576");
  const DeviceHandle device = open_device();
  uint64_t first = 0, second = 0;
  ASSERT_EQ(dmoe_device_alloc(device.get(), 700 << 10, &first), DMOE_OK);
  EXPECT_EQ(dmoe_device_alloc(device.get(), 700 << 10, &second), DMOE_E_DEVICE_MEMORY);
  EXPECT_NE(std::string(dmoe_last_error()).find("device_alloc needs 716800 bytes of device memory"),
            std::string::npos)
      << dmoe_last_error();
  EXPECT_EQ(Simulation::calls("cuMemPoolTrimTo"), 1);
  EXPECT_EQ(usage(device).retries, 0);
  Simulation::fail("cuMemAllocFromPoolAsync", 1, 2);
  ASSERT_EQ(dmoe_device_alloc(device.get(), 1 << 10, &second), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(Simulation::calls("cuMemPoolTrimTo"), 2);
  EXPECT_EQ(usage(device).retries, 1);
}

TEST_F(Device, Trim_WhenNothingIsInUse_GivesAllBack) {
  const DeviceHandle device = open_device();
  uint64_t address = 0;
  ASSERT_EQ(dmoe_device_alloc(device.get(), 1 << 16, &address), DMOE_OK);
  ASSERT_EQ(dmoe_device_free(device.get(), address), DMOE_OK);
  EXPECT_GT(usage(device).reserved_bytes, 0);
  ASSERT_EQ(dmoe_device_trim(device.get()), DMOE_OK);
  EXPECT_EQ(usage(device).reserved_bytes, 0);
}

TEST_F(Device, Health_WhenTheDeviceAnswers_IsGood) {
  const DeviceHandle device = open_device();
  EXPECT_EQ(dmoe_device_health(device.get()), DMOE_OK) << dmoe_last_error();
  Simulation::fail("cuStreamSynchronize", 1, 999);
  EXPECT_EQ(dmoe_device_health(device.get()), DMOE_E_BACKEND);
  EXPECT_EQ(dmoe_device_health(device.get()), DMOE_OK) << "an error that passes does not end the device";
}

TEST_F(Device, Calls_WhenTheDeviceIsLost_AllSayWhy) {
  const DeviceHandle device = open_device();
  Simulation::fail("cuMemsetD32Async", 1, 719);
  EXPECT_EQ(told(dmoe_device_health(device.get()))
                .find("DMOE_E_BACKEND device_health: health: write: CUDA_ERROR_LAUNCH_FAILED (719)"),
            0u);
  const std::string lost = "the device is lost since an earlier call ended in CUDA_ERROR_LAUNCH_FAILED (719)";
  uint64_t address = 0;
  EXPECT_EQ(dmoe_device_health(device.get()), DMOE_E_BACKEND);
  EXPECT_NE(std::string(dmoe_last_error()).find(lost), std::string::npos) << dmoe_last_error();
  EXPECT_EQ(dmoe_device_alloc(device.get(), 8, &address), DMOE_E_BACKEND);
  EXPECT_NE(std::string(dmoe_last_error()).find(lost), std::string::npos) << dmoe_last_error();
}

TEST_F(Device, Destroy_WhenMemoryAndStreamsAreLeft_FreesThemBeforeModulesAndContext) {
  DeviceHandle device = open_device();
  uint64_t address = 0;
  void* stream = nullptr;
  ASSERT_EQ(dmoe_device_alloc(device.get(), 100, &address), DMOE_OK);
  ASSERT_EQ(dmoe_device_stream_create(device.get(), &stream), DMOE_OK);
  ASSERT_EQ(dmoe_device_health(device.get()), DMOE_OK);
  const std::size_t before = Simulation::trace().size();
  device.reset();
  const std::string trace = Simulation::trace().substr(before);
  const std::size_t free = trace.find("cuMemFreeAsync"), pool = trace.find("cuMemPoolDestroy"),
                    module = trace.find("cuModuleUnload"), context = trace.find("cuDevicePrimaryCtxRelease");
  EXPECT_LT(free, pool) << trace;
  EXPECT_LT(pool, module) << trace;
  EXPECT_LT(module, context) << trace;
  EXPECT_NE(context, std::string::npos) << trace;
}

TEST_F(Device, Destroy_WhenLayersLiveOn_WaitsForThem) {
  const TestLayer layer(small_spec());
  DeviceHandle device = open_device();
  DeviceLayerHandle copy = copy_layer(device, layer.layer());
  device.reset();
  EXPECT_NE(Simulation::live(), "");
  copy.reset();
  EXPECT_EQ(Simulation::live(), "");
}

}  // namespace
}  // namespace dmoe::test
