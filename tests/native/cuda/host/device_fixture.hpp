// A device of the simulated driver for a test, and the check that nothing of it is left afterwards.
#ifndef DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_FIXTURE_HPP_
#define DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_FIXTURE_HPP_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cuda/host/simulation.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "support/test_layer.hpp"

namespace dmoe::test {

using DeviceHandle = std::unique_ptr<dmoe_device, decltype(&dmoe_device_destroy)>;
using DeviceLayerHandle = std::unique_ptr<dmoe_device_layer, decltype(&dmoe_device_layer_destroy)>;
using CompletionHandle = std::unique_ptr<dmoe_completion, decltype(&dmoe_completion_destroy)>;

inline dmoe_device_options device_options() {
  dmoe_device_options options{};
  options.struct_size = sizeof options;
  options.index = -1;
  options.max_calls = 4;
  options.driver_path = Simulation::path();
  return options;
}

/** Expects success. */
inline DeviceHandle open_device(const dmoe_device_options& options = device_options()) {
  dmoe_device* device = nullptr;
  EXPECT_EQ(dmoe_device_open(&options, &device), DMOE_OK) << dmoe_last_error();
  return {device, dmoe_device_destroy};
}

inline DeviceLayerHandle copy_layer(const DeviceHandle& device, const dmoe_layer* layer,
                                    int32_t max_tokens = 0, int32_t graphs = 1) {
  const dmoe_device_layer_options options{sizeof options, max_tokens, graphs};
  dmoe_device_layer* copy = nullptr;
  EXPECT_EQ(dmoe_device_layer_create(device.get(), layer, &options, &copy), DMOE_OK) << dmoe_last_error();
  return {copy, dmoe_device_layer_destroy};
}

/** Kernels are interpreted: [32] -> [16] is enough for tests that are not about shapes. */
inline LayerSpec small_spec() {
  LayerSpec spec;
  spec.width = 16;
  return spec;
}

/** With more experts than a panel has: blocks share them. */
inline LayerSpec many_experts_spec() {
  LayerSpec spec = small_spec();
  spec.experts = 70;
  return spec;
}

/** A status with the text that came with it, for EXPECT_EQ. */
inline std::string told(dmoe_status status) {
  return std::string(dmoe_status_name(status)) +
         (status == DMOE_OK ? "" : std::string(" ") + dmoe_last_error());
}

/** A caller who captures a stream, by the driver's own functions. */
class StreamCapture {
 public:
  explicit StreamCapture(void* stream) : stream_(static_cast<cuda::StreamHandle>(stream)) {
    EXPECT_EQ(api_.cuDevicePrimaryCtxRetain(&context_, 0), 0);
    EXPECT_EQ(api_.cuCtxPushCurrent_v2(context_), 0);
    EXPECT_EQ(api_.cuStreamBeginCapture_v2(stream_, cuda::kCaptureThreadLocal), 0);
  }
  ~StreamCapture() {
    cuda::GraphHandle graph = nullptr;
    EXPECT_EQ(api_.cuStreamEndCapture(stream_, &graph), 0);
    EXPECT_EQ(api_.cuGraphDestroy(graph), 0);
    EXPECT_EQ(api_.cuCtxPopCurrent_v2(&context_), 0);
    EXPECT_EQ(api_.cuDevicePrimaryCtxRelease_v2(0), 0);
  }
  StreamCapture(const StreamCapture&) = delete;
  StreamCapture& operator=(const StreamCapture&) = delete;

 private:
  const SimulatedApi& api_ = SimulatedDriver::running().api();
  cuda::StreamHandle stream_;
  cuda::ContextHandle context_ = nullptr;
};

class OnDevice : public testing::Test {
 protected:
  void SetUp() override { Simulation::machine(); }
  void TearDown() override {
    // A lost context takes nothing back any more; it goes with the process.
    if (!lost_) {
      EXPECT_EQ(Simulation::live(), "");
    }
  }
  /** Tells that the test ends with a device that is lost. */
  void device_is_lost() { lost_ = true; }

 private:
  bool lost_ = false;
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_FIXTURE_HPP_
