// How a call on a stream ends for those who do not wait: callbacks, and handles that go first.
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "cuda/host/device_batch.hpp"

namespace dmoe::test {
namespace {

class DeviceCompletion : public OnStream {};

/** What a callback of the tests does. */
struct Bell {
  std::mutex mutex;
  std::condition_variable rung;
  int times = 0;
  static void ring(void* bell) {
    auto* const b = static_cast<Bell*>(bell);
    const std::lock_guard lock(b->mutex);
    ++b->times;
    b->rung.notify_all();
  }
  bool wait(int expected) {
    std::unique_lock lock(mutex);
    return rung.wait_for(lock, std::chrono::seconds(60), [&] { return times >= expected; });
  }
};

TEST_F(DeviceCompletion, Notify_WhenCallsEnd_CallsBackOnceForEach) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  DeviceBatch batch(device, layer, layer.tokens(3), 2);
  void* const stream = stream_of(device);
  Bell bell;
  std::vector<CompletionHandle> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(start(copy, batch, layer.params(), stream));
    ASSERT_EQ(dmoe_completion_notify(all.back().get(), Bell::ring, &bell), DMOE_OK) << dmoe_last_error();
    EXPECT_EQ(dmoe_completion_notify(all.back().get(), Bell::ring, &bell), DMOE_E_STATE);
  }
  EXPECT_TRUE(bell.wait(3));
  for (CompletionHandle& one : all) {
    int32_t ended = 0;
    EXPECT_EQ(dmoe_completion_query(one.get(), &ended), DMOE_OK);
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(dmoe_completion_wait(one.get(), nullptr), DMOE_OK);
  }
  EXPECT_EQ(dmoe_completion_notify(all[0].get(), nullptr, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_stream_close(device.get(), stream), DMOE_OK);
}

TEST_F(DeviceCompletion, Notify_WhenTheCallHasEndedOrFailed_CallsBackAllTheSame) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  DeviceBatch batch(device, layer, layer.tokens(3), 2);
  Bell bell;
  CompletionHandle done = start(copy, batch, layer.params(), nullptr);
  ASSERT_EQ(dmoe_completion_wait(done.get(), nullptr), DMOE_OK);
  ASSERT_EQ(dmoe_completion_notify(done.get(), Bell::ring, &bell), DMOE_OK);
  EXPECT_TRUE(bell.wait(1));
  device_is_lost();
  Simulation::break_kernel("dmoe_combine");
  done = start(copy, batch, layer.params(), nullptr);
  ASSERT_EQ(dmoe_completion_notify(done.get(), Bell::ring, &bell), DMOE_OK);
  EXPECT_TRUE(bell.wait(2));
  EXPECT_EQ(dmoe_completion_wait(done.get(), nullptr), DMOE_E_BACKEND);
}

TEST_F(DeviceCompletion, Destroy_WhenACallIsUnderWay_WaitsForIt) {
  const TestLayer layer(small_spec());
  DeviceHandle device = open_device();
  DeviceLayerHandle copy = copy_layer(device, layer.layer());
  {
    DeviceBatch batch(device, layer, layer.tokens(3), 2);
    void* const stream = stream_of(device);
    CompletionHandle done = start(copy, batch, layer.params(), stream);
    copy.reset();
    done.reset();
    EXPECT_NE(batch.ids.get<int32_t>()[0], -1);
    EXPECT_EQ(dmoe_device_stream_close(device.get(), stream), DMOE_OK);
  }
  device.reset();
  EXPECT_EQ(Simulation::live(), "");
}

}  // namespace
}  // namespace dmoe::test
