// What goes wrong on the simulated driver: by itself, as on a device, or because the settings say so.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>

#include "cuda/driver/driver_fixture.hpp"

namespace dmoe::test {
namespace {

using namespace cuda;

TEST(SimulatedDriverFaults, WhenThereIsNoDevice_InitSaysSo) {
  const SimulatedDriver driver("devices=0");
  EXPECT_EQ(driver.api().cuInit(0), kNoDevice);
}

TEST(SimulatedDriverFaults, WhenNothingIsInitialised_CallsAreRefused) {
  const SimulatedDriver off("devices=0"), driver;
  int count = 0;
  EXPECT_EQ(driver.api().cuDeviceGetCount(&count), kNotInitialized);
  ASSERT_EQ(driver.api().cuInit(0), kSuccess);
  StreamHandle stream = nullptr;
  EXPECT_EQ(driver.api().cuStreamCreate(&stream, 0), kInvalidContext);
}

TEST(SimulatedDriverFaults, WhenTheDriverIsOld_AFunctionIsMissing) {
  void* library = dlopen(SimulatedDriver::old_path(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  EXPECT_NE(dlsym(library, "cuInit"), nullptr);
  EXPECT_EQ(dlsym(library, "cuMemPoolCreate"), nullptr);
}

TEST(SimulatedDriverFaults, WhenTheKernelWritesPastItsMemory_TheContextIsLost) {
  DriverSession it;
  const DevicePointer out = it.take(15 * 4);
  ASSERT_EQ(it.count_up(out, 16, 0), kSuccess);
  EXPECT_EQ(it.api.cuStreamSynchronize(it.stream), kIllegalAddress);
  EXPECT_NE(it.driver.trace().find("4 bytes of global memory"), std::string::npos) << it.driver.trace();
  StreamHandle stream = nullptr;
  EXPECT_EQ(it.api.cuStreamCreate(&stream, 0), kIllegalAddress);
}

TEST(SimulatedDriverFaults, WhenMemoryIsGivenBackTooEarly_TheKernelFails) {
  DriverSession it;
  const DevicePointer out = it.take(16);
  ASSERT_EQ(it.api.cuMemFreeAsync(out, it.stream), kSuccess);
  ASSERT_EQ(it.count_up(out, 4, 0), kSuccess);
  EXPECT_EQ(it.api.cuStreamSynchronize(it.stream), kIllegalAddress);
}

TEST(SimulatedDriverFaults, WhenALaunchIsImpossible_ItIsRefusedAtOnce) {
  DriverSession it;
  EXPECT_EQ(it.count_up(0, 1, 0, 65), kLaunchOutOfResources);  // .maxntid 64
  EXPECT_EQ(it.count_up(0, 1, 0, 2048), kInvalidValue);
  FunctionHandle function = nullptr;
  EXPECT_EQ(it.api.cuModuleGetFunction(&function, it.module, "count_down"), kNotFound);
  EXPECT_EQ(it.driver.pending(), 0);
}

TEST(SimulatedDriverFaults, WhenAnImageIsBad_TheLogSaysWhy) {
  struct Case {
    std::string image;
    const char* settings;
    Result result;
    const char* log;
  };
  const std::string good = kCountPtx;
  const auto with = [&](const char* from, const char* to) {
    std::string out = good;
    return out.replace(out.find(from), std::strlen(from), to);
  };
  const Case cases[] = {
      {"ELF", "", kInvalidImage, ""},
      {with("add.s32", "and.s32"), "", kInvalidPtx, "unknown instruction and.s32"},
      {with("%r4, %r3", "%r9, %r3"), "", kInvalidPtx, "unknown operand %r9"},
      {with(".version 7.0", ".version 8.4"), "driver=12020", kUnsupportedPtxVersion,
       "Unsupported .version 8.4"},
      {good, "capability=75", kNoBinaryForGpu, ""},
  };
  for (const Case& it : cases) {
    const SimulatedDriver driver(it.settings);
    ContextHandle context = nullptr;
    ASSERT_EQ(driver.api().cuInit(0), kSuccess);
    ASSERT_EQ(driver.api().cuDevicePrimaryCtxRetain(&context, 0), kSuccess);
    ASSERT_EQ(driver.api().cuCtxPushCurrent_v2(context), kSuccess);
    char log[256] = {};
    int options[] = {kJitErrorLogBuffer, kJitErrorLogBytes};
    void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
    ModuleHandle module = nullptr;
    EXPECT_EQ(driver.api().cuModuleLoadDataEx(&module, it.image.c_str(), 2, options, values), it.result);
    EXPECT_NE(std::strstr(log, it.log), nullptr) << log;
  }
}

TEST(SimulatedDriverFaults, WhenTheDeviceIsFull_MemoryOfThePoolIsUsedAgain) {
  DriverSession it("memory=1000");
  const DevicePointer first = it.take(600);
  DevicePointer second = 0;
  EXPECT_EQ(it.api.cuMemAllocFromPoolAsync(&second, 600, it.pool, it.stream), kOutOfMemory);
  ASSERT_EQ(it.api.cuMemFreeAsync(first, it.stream), kSuccess);
  ASSERT_EQ(it.api.cuStreamSynchronize(it.stream), kSuccess);
  EXPECT_EQ(it.api.cuMemAllocAsync(&second, 600, it.stream), kOutOfMemory);  // the pool keeps it from others
  ASSERT_EQ(it.api.cuMemPoolTrimTo(it.pool, 0), kSuccess);
  EXPECT_EQ(it.api.cuMemAllocAsync(&second, 600, it.stream), kSuccess);
  EXPECT_EQ(it.api.cuMemFreeAsync(second, it.stream), kSuccess);
}

TEST(SimulatedDriverFaults, WhenTheSettingsName_CallsAndWorkFail) {
  DriverSession it("fail=cuMemAllocFromPoolAsync:2:1:2;break=count_up:719:1");
  const DevicePointer out = it.take(16);
  DevicePointer other = 0;
  EXPECT_EQ(it.api.cuMemAllocFromPoolAsync(&other, 16, it.pool, it.stream), kOutOfMemory);
  EXPECT_EQ(it.api.cuMemAllocFromPoolAsync(&other, 16, it.pool, it.stream), kOutOfMemory);
  EXPECT_EQ(it.api.cuMemAllocFromPoolAsync(&other, 16, it.pool, it.stream), kSuccess);
  ASSERT_EQ(it.count_up(out, 4, 0), kSuccess);
  EXPECT_EQ(it.api.cuStreamSynchronize(it.stream), kSuccess);
  ASSERT_EQ(it.count_up(out, 4, 0), kSuccess);
  EXPECT_EQ(it.api.cuStreamSynchronize(it.stream), kLaunchFailed);
  EXPECT_EQ(it.api.cuStreamSynchronize(it.stream), kLaunchFailed);
  EXPECT_THROW(SimulatedDriver("fail=cuInit"), std::runtime_error);
}

}  // namespace
}  // namespace dmoe::test
