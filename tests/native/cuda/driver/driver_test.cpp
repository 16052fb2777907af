// The simulated driver itself: work waits for a wait, streams and events order it, graphs repeat it, memory
// is the device's alone.
#include <gtest/gtest.h>

#include <vector>

#include "cuda/driver/driver_fixture.hpp"

namespace dmoe::test {
namespace {

using namespace cuda;

std::vector<uint32_t> upwards(uint32_t from, size_t count) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < count; ++i) out.push_back(from + static_cast<uint32_t>(i));
  return out;
}

TEST(SimulatedDriver, WhenNobodyWaits_NothingRuns) {
  DriverSession it;
  const DevicePointer out = it.take(40 * 4);
  ASSERT_EQ(it.count_up(out, 40, 5), kSuccess);
  std::vector<uint32_t> host(40, 1);
  ASSERT_EQ(it.api.cuMemcpyDtoHAsync_v2(host.data(), out, 160, it.stream), kSuccess);
  EXPECT_EQ(host, std::vector<uint32_t>(40, 1));
  EXPECT_EQ(it.driver.pending(), 3);
  ASSERT_EQ(it.api.cuStreamSynchronize(it.stream), kSuccess);
  EXPECT_EQ(host, upwards(5, 40));
  EXPECT_EQ(it.driver.count("count_up"), 1);
  EXPECT_EQ(it.api.cuMemFreeAsync(out, it.stream), kSuccess);
}

TEST(SimulatedDriver, WhenAsked_WorkGoesOnStepByStep) {
  DriverSession it;
  const DevicePointer out = it.take(4);
  EventHandle event = nullptr;
  ASSERT_EQ(it.api.cuEventCreate(&event, kEventDisableTiming), kSuccess);
  EXPECT_EQ(it.api.cuEventQuery(event), kSuccess);  // never recorded
  ASSERT_EQ(it.count_up(out, 1, 0), kSuccess);
  ASSERT_EQ(it.api.cuEventRecord(event, it.stream), kSuccess);
  EXPECT_EQ(it.api.cuStreamQuery(it.stream), kNotReady);
  EXPECT_EQ(it.api.cuEventQuery(event), kNotReady);
  EXPECT_EQ(it.api.cuEventQuery(event), kNotReady);
  EXPECT_EQ(it.api.cuEventQuery(event), kSuccess);
  EXPECT_EQ(it.api.cuStreamQuery(it.stream), kSuccess);
  EXPECT_EQ(it.api.cuEventDestroy_v2(event), kSuccess);
  EXPECT_EQ(it.api.cuMemFreeAsync(out, it.stream), kSuccess);
}

TEST(SimulatedDriver, WhenAStreamWaitsForAnEvent_TheOtherRunsThatFar) {
  DriverSession it;
  StreamHandle second = nullptr;
  EventHandle event = nullptr;
  ASSERT_EQ(it.api.cuStreamCreate(&second, kStreamNonBlocking), kSuccess);
  ASSERT_EQ(it.api.cuEventCreate(&event, kEventDisableTiming), kSuccess);
  const DevicePointer out = it.take(16);
  ASSERT_EQ(it.count_up(out, 4, 7), kSuccess);
  ASSERT_EQ(it.api.cuEventRecord(event, it.stream), kSuccess);
  ASSERT_EQ(it.count_up(out, 4, 9), kSuccess);
  ASSERT_EQ(it.api.cuStreamWaitEvent(second, event, 0), kSuccess);
  std::vector<uint32_t> host(4);
  ASSERT_EQ(it.api.cuMemcpyDtoHAsync_v2(host.data(), out, 16, second), kSuccess);
  ASSERT_EQ(it.api.cuStreamSynchronize(second), kSuccess);
  EXPECT_EQ(host, upwards(7, 4));
  EXPECT_EQ(it.api.cuMemFreeAsync(out, it.stream), kSuccess);
  EXPECT_EQ(it.api.cuEventDestroy_v2(event), kSuccess);
  EXPECT_EQ(it.api.cuStreamDestroy_v2(second), kSuccess);
}

TEST(SimulatedDriver, WhenMemoryIsPinned_ACopyReadsItLate) {
  DriverSession it;
  const DevicePointer out = it.take(8);
  void* pinned = nullptr;
  ASSERT_EQ(it.api.cuMemHostAlloc(&pinned, 4, kHostAllocDefault), kSuccess);
  uint32_t pageable = 1;
  *static_cast<uint32_t*>(pinned) = 1;
  ASSERT_EQ(it.api.cuMemcpyHtoDAsync_v2(out, pinned, 4, it.stream), kSuccess);
  ASSERT_EQ(it.api.cuMemcpyHtoDAsync_v2(out + 4, &pageable, 4, it.stream), kSuccess);
  pageable = *static_cast<uint32_t*>(pinned) = 2;
  uint32_t host[2] = {};
  ASSERT_EQ(it.api.cuMemcpyDtoHAsync_v2(host, out, 8, it.stream), kSuccess);
  ASSERT_EQ(it.api.cuStreamSynchronize(it.stream), kSuccess);
  EXPECT_EQ(host[0], 2u);
  EXPECT_EQ(host[1], 1u);
  EXPECT_EQ(it.api.cuMemFreeHost(pinned), kSuccess);
  EXPECT_EQ(it.api.cuMemFreeAsync(out, it.stream), kSuccess);
}

TEST(SimulatedDriver, WhenAGraphIsLaunched_ItsWorkRunsAgain) {
  DriverSession it;
  const DevicePointer out = it.take(16);
  ASSERT_EQ(it.api.cuStreamBeginCapture_v2(it.stream, kCaptureThreadLocal), kSuccess);
  ASSERT_EQ(it.count_up(out, 4, 3), kSuccess);
  std::vector<uint32_t> host(4);
  ASSERT_EQ(it.api.cuMemcpyDtoHAsync_v2(host.data(), out, 16, it.stream), kSuccess);
  int status = 0;
  EXPECT_EQ(it.api.cuStreamIsCapturing(it.stream, &status), kSuccess);
  EXPECT_EQ(status, 1);
  GraphHandle graph = nullptr;
  GraphExecHandle executable = nullptr;
  ASSERT_EQ(it.api.cuStreamEndCapture(it.stream, &graph), kSuccess);
  ASSERT_EQ(it.api.cuGraphInstantiateWithFlags(&executable, graph, 0), kSuccess);
  EXPECT_EQ(it.api.cuGraphDestroy(graph), kSuccess);
  EXPECT_EQ(it.driver.count("count_up"), 0);
  for (int launch = 0; launch < 2; ++launch) {
    host.assign(4, 0);
    ASSERT_EQ(it.api.cuGraphLaunch(executable, it.stream), kSuccess);
    ASSERT_EQ(it.api.cuStreamSynchronize(it.stream), kSuccess);
    EXPECT_EQ(host, upwards(3, 4));
  }
  EXPECT_EQ(it.driver.count("count_up"), 2);
  EXPECT_EQ(it.api.cuGraphExecDestroy(executable), kSuccess);
  EXPECT_EQ(it.api.cuMemFreeAsync(out, it.stream), kSuccess);
}

TEST(SimulatedDriver, WhenACaptureIsWaitedFor_ItIsSpoiled) {
  DriverSession it;
  ASSERT_EQ(it.api.cuStreamBeginCapture_v2(it.stream, kCaptureThreadLocal), kSuccess);
  EXPECT_EQ(it.api.cuStreamSynchronize(it.stream), kStreamCaptureUnsupported);
  GraphHandle graph = nullptr;
  EXPECT_EQ(it.api.cuStreamEndCapture(it.stream, &graph), kStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);
  EXPECT_EQ(it.api.cuStreamSynchronize(it.stream), kSuccess);
}

TEST(SimulatedDriver, WhenAllIsGivenBack_NothingIsLeft) {
  {
    DriverSession it;
    const DevicePointer out = it.take(100);
    EXPECT_EQ(it.driver.live(),
              "contexts 1; modules 1; streams 1; pools 1; device allocations 1; device bytes 100");
    uint64_t used = 0, reserved = 0;
    ASSERT_EQ(it.api.cuMemFreeAsync(out, it.stream), kSuccess);
    ASSERT_EQ(it.api.cuStreamSynchronize(it.stream), kSuccess);
    ASSERT_EQ(it.api.cuMemPoolGetAttribute(it.pool, kPoolUsedBytes, &used), kSuccess);
    ASSERT_EQ(it.api.cuMemPoolGetAttribute(it.pool, kPoolReservedBytes, &reserved), kSuccess);
    EXPECT_EQ(used, 0u);
    EXPECT_EQ(reserved, 100u);
    ASSERT_EQ(it.api.cuMemPoolTrimTo(it.pool, 0), kSuccess);
    ASSERT_EQ(it.api.cuMemPoolGetAttribute(it.pool, kPoolReservedBytes, &reserved), kSuccess);
    EXPECT_EQ(reserved, 0u);
  }
}

TEST(SimulatedDriverDeathTest, WhenTheHostTouchesDeviceMemory_TheProcessEnds) {
  DriverSession it;
  const DevicePointer out = it.take(16);
  ASSERT_EQ(it.api.cuStreamSynchronize(it.stream), kSuccess);
  EXPECT_DEATH(*reinterpret_cast<volatile int*>(out) = 1, "");
  EXPECT_EQ(it.api.cuMemFreeAsync(out, it.stream), kSuccess);
}

}  // namespace
}  // namespace dmoe::test
