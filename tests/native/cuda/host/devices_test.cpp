// Devices: found, described, chosen, refused; never with more than a status and a sentence.
#include "cuda/host/device_fixture.hpp"

namespace dmoe::test {
namespace {

class Devices : public OnDevice {
 protected:
  static int32_t count() {
    int32_t n = -1;
    EXPECT_EQ(dmoe_device_count(Simulation::path(), &n), DMOE_OK) << dmoe_last_error();
    return n;
  }
  static dmoe_device_info query(int32_t index) {
    dmoe_device_info info{};
    info.struct_size = sizeof info;
    EXPECT_EQ(dmoe_device_query(Simulation::path(), index, &info), DMOE_OK) << dmoe_last_error();
    return info;
  }
  static std::string open_told(dmoe_device_options options = device_options()) {
    dmoe_device* device = nullptr;
    const std::string text = told(dmoe_device_open(&options, &device));
    EXPECT_EQ(device, nullptr);
    dmoe_device_destroy(device);
    return text;
  }
};

TEST_F(Devices, Open_WhenThereIsNoDriver_SaysWhichFileWasLookedFor) {
  dmoe_device_options options = device_options();
  options.driver_path = "no_such_driver.so";
  EXPECT_EQ(open_told(options),
            "DMOE_E_BACKEND device_open: unavailable, because no_such_driver.so was not found");
  int32_t n = -1;
  EXPECT_EQ(dmoe_device_count("no_such_driver.so", &n), DMOE_OK);
  EXPECT_EQ(n, 0);
}

TEST_F(Devices, Open_WhenTheLibraryIsNoDriver_SaysWhatItLacks) {
  dmoe_device_options options = device_options();
  options.driver_path = "libm.so.6";
  EXPECT_EQ(open_told(options),
            "DMOE_E_BACKEND device_open: unavailable, because libm.so.6 lacks cuInit; CUDA 11.4 or newer is "
            "needed");
}

TEST_F(Devices, Open_WhenThereIsNoDevice_SaysSo) {
  Simulation::machine("devices=0");
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(open_told(), "DMOE_E_BACKEND device_open: unavailable, because the driver finds no device");
}

TEST_F(Devices, Open_WhenTheDeviceIsTooOld_NamesBothCapabilities) {
  Simulation::machine("capability=75");
  EXPECT_EQ(open_told(),
            "DMOE_E_BACKEND device_open: unavailable, because Simulated device 0 has compute capability 7.5; "
            "8.0 or newer is needed");
  EXPECT_EQ(query(0).usable, 0);
}

TEST_F(Devices, Open_WhenTheDeviceCannotBeUsed_SaysWhy) {
  Simulation::machine("compute_mode=2");
  EXPECT_NE(open_told().find("compute mode 'prohibited'"), std::string::npos);
  Simulation::machine("pools=0");
  EXPECT_NE(open_told().find("has no memory pools"), std::string::npos);
}

TEST_F(Devices, Open_WhenTheDriverRefusesTheKernels_TellsWhatItsCompilerSays) {
  Simulation::fail("cuModuleLoadDataEx", 3, 218);
  const std::string text = open_told();
  EXPECT_EQ(text.find("DMOE_E_BACKEND device_open: unavailable, because the driver refuses the kernels of "),
            0u)
      << text;
  EXPECT_NE(text.find("CUDA_ERROR_INVALID_PTX (218)"), std::string::npos) << text;
}

TEST_F(Devices, Open_WhenAnyStepFails_LeavesNothingBehind) {
  for (const char* step :
       {"cuDeviceGetCount", "cuDeviceGetName", "cuDeviceTotalMem_v2", "cuDevicePrimaryCtxRetain",
        "cuCtxPushCurrent_v2", "cuModuleLoadDataEx", "cuModuleGetFunction", "cuStreamCreate",
        "cuMemPoolCreate", "cuMemPoolSetAttribute"}) {
    Simulation::fail(step, 1, 999);
    const std::string text = open_told();
    EXPECT_EQ(text.find("DMOE_E_BACKEND"), 0u) << step << ": " << text;
    EXPECT_NE(text.find("(999)"), std::string::npos) << step << ": " << text;
    EXPECT_EQ(Simulation::live(), "") << step;
  }
}

TEST_F(Devices, Open_WhenOptionsAreWrong_NamesThem) {
  dmoe_device_options options = device_options();
  options.index = 1;
  EXPECT_EQ(open_told(options), "DMOE_E_OPTIONS device_open: index is 1, must be within -1..0");
  options.index = -2;
  EXPECT_EQ(open_told(options), "DMOE_E_OPTIONS device_open: index is -2, must be >= -1");
  options = device_options();
  options.max_calls = 0;
  EXPECT_EQ(open_told(options), "DMOE_E_OPTIONS device_open: max_calls is 0, must be within 1..64");
}

TEST_F(Devices, Query_WhenThereAreSeveral_PrefersCapabilityThenMultiprocessorsThenFreeMemory) {
  Simulation::machine("devices=3;capability=80/90/70");
  EXPECT_EQ(count(), 3);
  EXPECT_EQ(query(-1).index, 1);
  EXPECT_EQ(query(2).usable, 0);
  Simulation::machine("devices=3;multiprocessors=4/4/8");
  EXPECT_EQ(query(-1).index, 2);
  Simulation::machine("devices=3");
  EXPECT_EQ(query(-1).index, 0);
  dmoe_device_options options = device_options();
  options.index = 0;
  const DeviceHandle device = open_device(options);
  uint64_t address = 0;
  ASSERT_EQ(dmoe_device_alloc(device.get(), 1 << 20, &address), DMOE_OK);
  EXPECT_EQ(query(-1).index, 1);
}

TEST_F(Devices, Open_WhenTheDriverIsOld_SaysWhatIsNeeded) {
  dmoe_device_options options = device_options();
  options.driver_path = SimulatedDriver::old_path();
  EXPECT_NE(open_told(options).find(" lacks cuMemPoolCreate; CUDA 11.4 or newer is needed"),
            std::string::npos);
  Simulation::machine("driver=11020");
  EXPECT_EQ(
      open_told(),
      "DMOE_E_BACKEND device_open: unavailable, because the driver is of CUDA 11.2; 11.4 or newer is needed");
}

TEST_F(Devices, Describe_WhenOpen_TellsWhatTheDriverSays) {
  const DeviceHandle device = open_device();
  dmoe_device_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(dmoe_device_describe(device.get(), &info), DMOE_OK);
  EXPECT_EQ(info.usable, 1);
  EXPECT_EQ(info.capability_major, 8);
  EXPECT_EQ(info.driver_version, 12020);
  EXPECT_STREQ(info.name, "Simulated device 0");
  EXPECT_STREQ(info.reason, "available: Simulated device 0, compute capability 8.0, driver of CUDA 12.2");
}

TEST_F(Devices, Exports_WhenHandlesAreNull_RefuseThem) {
  int32_t number = 0;
  uint64_t address = 0;
  void* stream = nullptr;
  EXPECT_EQ(told(dmoe_device_health(nullptr)), "DMOE_E_ARGUMENT device_health: device is NULL");
  EXPECT_EQ(dmoe_device_trim(nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_alloc(nullptr, 1, &address), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_free(nullptr, 0), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_stream_create(nullptr, &stream), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_stream_query(nullptr, nullptr, &number), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_open(nullptr, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_count(nullptr, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_completion_query(nullptr, &number), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_completion_wait(nullptr, nullptr), DMOE_E_ARGUMENT);
  dmoe_device_destroy(nullptr);
  dmoe_device_layer_destroy(nullptr);
  dmoe_completion_destroy(nullptr);
}

}  // namespace
}  // namespace dmoe::test
