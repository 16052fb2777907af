// Calls that repeat: one graph for all of them, and no more memory.
#include <cmath>

#include "cuda/host/device_calls.hpp"

namespace dmoe::test {
namespace {

class DeviceLayerGraphs : public OnDevice {};

TEST_F(DeviceLayerGraphs, Forward_WhenACallRepeats_RunsAsOneGraph) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  const Call call = call_of(layer, 2);
  const Outcome first = on_device(copy, layer, layer.tokens(6, 1), call);
  for (uint64_t seed = 1; seed < 5; ++seed) {
    const Outcome got = on_device(copy, layer, layer.tokens(6, seed), call);
    const Outcome cpu = on_cpu(layer, layer.tokens(6, seed), call);
    expect_same_decisions(got, cpu);
    expect_near(got.output, cpu.output, DMOE_FORMAT_F32);
  }
  EXPECT_EQ(Simulation::calls("cuGraphInstantiateWithFlags"), 1);
  EXPECT_EQ(Simulation::calls("cuGraphLaunch"), 4);
  dmoe_device_usage usage{};
  usage.struct_size = sizeof usage;
  ASSERT_EQ(dmoe_device_memory(device.get(), &usage), DMOE_OK);
  EXPECT_EQ(usage.graph_launches, 4);
  EXPECT_EQ(usage.launches, 1);
  EXPECT_EQ(usage.calls, 0);

  const DeviceLayerHandle plain = copy_layer(device, layer.layer(), 0, 0);
  for (int i = 0; i < 3; ++i) on_device(plain, layer, layer.tokens(6), call);
  EXPECT_EQ(Simulation::calls("cuGraphLaunch"), 4);
}

// A budget gives every call other limits and a noisy call another seed: the values are read from device
// memory, the graph stays.
TEST_F(DeviceLayerGraphs, Forward_WhenARuleMoves_IsServedByTheGraphOfTheCallBefore) {
  LayerSpec some = small_spec();
  some.k = 4;
  const TestLayer layer(some);
  const DeviceHandle device = open_device();
  const int32_t strategies[] = {DMOE_STRATEGY_THRESHOLD, DMOE_STRATEGY_TOP_P, DMOE_STRATEGY_TOP_K};
  long graphs = 0;
  for (const int32_t strategy : strategies) {
    const DeviceLayerHandle copy = copy_layer(device, layer.layer());
    Call call = call_of(layer, 4);
    call.params.strategy = strategy;
    call.params.min_experts = 1;
    call.params.max_experts = 4;
    call.params.score_source = DMOE_SCORE_ROUTER_ENTROPY;
    std::vector<int32_t> taken;
    for (int i = 0; i < 4; ++i) {
      call.params.tau = call.params.top_p = 0.2f + 0.2f * static_cast<float>(i);
      call.params.count_offset = static_cast<float>(i) - 1.5f;
      call.params.noise_factor = 0.01f;
      call.params.noise_seed = static_cast<uint64_t>(i);
      const std::vector<float> x = layer.tokens(6);
      const Outcome got = on_device(copy, layer, x, call), cpu = on_cpu(layer, x, call);
      expect_same_decisions(got, cpu);
      expect_near(got.output, cpu.output, DMOE_FORMAT_F32);
      taken.push_back(static_cast<int32_t>(got.report.routes));
    }
    EXPECT_NE(taken.front(), taken.back()) << "the rule must matter: " << strategy;
    EXPECT_EQ(Simulation::calls("cuGraphInstantiateWithFlags"), ++graphs) << strategy;
    EXPECT_EQ(Simulation::calls("cuGraphLaunch"), 3 * graphs) << strategy;
  }
}

// Blocks that share the experts of a token count each other; every call, as a graph too, must begin from
// none.
TEST_F(DeviceLayerGraphs, Forward_WhenBlocksShareTheExperts_DecidesAsTheProcessorDoesEachTime) {
  const TestLayer layer(many_experts_spec());
  const DeviceHandle device = open_device();
  for (const int32_t max_tokens : {64, 4}) {  // at once, and in chunks of which the last is smaller
    const DeviceLayerHandle copy = copy_layer(device, layer.layer(), max_tokens);
    const Call call = call_of(layer, 2);
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const std::vector<float> x = layer.tokens(6, seed);
      const Outcome got = on_device(copy, layer, x, call), cpu = on_cpu(layer, x, call);
      expect_same_decisions(got, cpu);
      expect_near(got.output, cpu.output, DMOE_FORMAT_F32);
    }
  }
  EXPECT_GT(Simulation::calls("cuGraphLaunch"), 0);
}

TEST_F(DeviceLayerGraphs, Forward_WhenWarm_TakesNoMoreMemory) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  const Call call = call_of(layer, 2);
  on_device(copy, layer, layer.tokens(12), call);
  const long taken = Simulation::calls("cuMemAllocFromPoolAsync"),
             pinned = Simulation::calls("cuMemHostAlloc");
  for (const int64_t tokens : {1, 12, 9}) on_device(copy, layer, layer.tokens(tokens), call);
  EXPECT_EQ(Simulation::calls("cuMemAllocFromPoolAsync"), taken);
  EXPECT_EQ(Simulation::calls("cuMemHostAlloc"), pinned);
}

TEST_F(DeviceLayerGraphs, Forward_WhenAGraphCannotBeRecorded_RunsStepByStep) {
  const TestLayer layer(small_spec());
  const Call call = call_of(layer, 2);
  const std::vector<float> x = layer.tokens(6);
  for (const char* function : {"cuStreamBeginCapture_v2", "cuGraphInstantiateWithFlags", "cuLaunchKernel"}) {
    const DeviceHandle device = open_device();
    const DeviceLayerHandle copy = copy_layer(device, layer.layer());
    const Outcome expected = on_device(copy, layer, x, call);
    Simulation::fail(function, 1, 999);
    for (int repeat = 0; repeat < 2; ++repeat) {
      const Outcome found = on_device(copy, layer, x, call);
      EXPECT_EQ(found.status, DMOE_OK) << function << ": " << found.text;
      EXPECT_EQ(found.output, expected.output) << function;
    }
    dmoe_device_usage usage{};
    usage.struct_size = sizeof usage;
    ASSERT_EQ(dmoe_device_memory(device.get(), &usage), DMOE_OK);
    EXPECT_EQ(usage.graph_launches, 0) << function;
  }
}

TEST_F(DeviceLayerGraphs, Forward_WhenAGraphCannotBeLaunched_SaysSoAndGoesOnAfterwards) {
  const TestLayer layer(small_spec());
  const Call call = call_of(layer, 2);
  const std::vector<float> x = layer.tokens(6);
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  on_device(copy, layer, x, call);
  Simulation::fail("cuGraphLaunch", 1, 999);
  const Outcome failed = on_device(copy, layer, x, call);
  EXPECT_EQ(failed.status, DMOE_E_BACKEND);
  EXPECT_EQ(failed.output[0], -77);
  EXPECT_EQ(on_device(copy, layer, x, call).status, DMOE_OK);
}

}  // namespace
}  // namespace dmoe::test
