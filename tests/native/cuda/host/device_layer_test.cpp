// A layer on a device against the CPU's, with host memory: equal decisions bit for bit, outputs within the
// kernels' bounds.
#include <algorithm>
#include <cmath>
#include <thread>

#include "cuda/host/device_fixture.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kFormats[] = {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4};

/** What a call decides and gives, with every array that a caller can ask for. */
struct Outcome {
  dmoe_status status = DMOE_OK;
  std::string text;
  std::vector<int32_t> ids, counts;
  std::vector<float> weights, scores, logits, gaps, output;
  std::vector<int64_t> expert_routes;
  dmoe_batch_report report{};
};

struct Call {
  dmoe_route_params params;
  dmoe_layer_params limits{sizeof(dmoe_layer_params), 0, DMOE_OVERFLOW_DROP, 0};
  int32_t slots = 0;  // 0: no routes are asked for
};

template <typename Forward>
Outcome run(const TestLayer& layer, const std::vector<float>& x, const Call& call, Forward&& forward) {
  const int64_t hidden = layer.spec().hidden, experts = layer.spec().experts;
  const int64_t tokens = static_cast<int64_t>(x.size()) / hidden;
  const auto cells = static_cast<std::size_t>(tokens * std::max(call.slots, 1));
  Outcome o;
  o.ids.assign(cells, -77);
  o.weights.assign(cells, -77);
  o.gaps.assign(cells, -77);
  o.counts.assign(static_cast<std::size_t>(tokens), -77);
  o.scores.assign(static_cast<std::size_t>(tokens), -77);
  o.logits.assign(static_cast<std::size_t>(tokens * experts), -77);
  o.expert_routes.assign(static_cast<std::size_t>(experts), -77);
  o.output.assign(x.size(), -77);
  o.report.struct_size = sizeof o.report;
  dmoe_routes routes{
      sizeof routes,   call.slots,      tokens,          o.ids.data(),  o.weights.data(),
      o.counts.data(), o.scores.data(), o.logits.data(), o.gaps.data(), o.expert_routes.data()};
  const dmoe_matrix_f32 in{sizeof in, x.data(), tokens, hidden, hidden};
  const dmoe_output_f32 out{sizeof out, o.output.data(), tokens, hidden, hidden};
  o.status = forward(&in, &call.params, &call.limits, call.slots == 0 ? nullptr : &routes, &out, &o.report);
  if (o.status != DMOE_OK) o.text = dmoe_last_error();
  return o;
}

Outcome on_cpu(const TestLayer& layer, const std::vector<float>& x, const Call& call) {
  return run(layer, x, call,
             [&](auto... arguments) { return dmoe_layer_forward(layer.layer(), arguments...); });
}
Outcome on_device(const DeviceLayerHandle& copy, const TestLayer& layer, const std::vector<float>& x,
                  const Call& call) {
  return run(layer, x, call,
             [&](auto... arguments) { return dmoe_device_layer_forward(copy.get(), arguments...); });
}

void expect_same_decisions(const Outcome& device, const Outcome& cpu) {
  ASSERT_EQ(device.status, DMOE_OK) << device.text;
  ASSERT_EQ(cpu.status, DMOE_OK) << cpu.text;
  EXPECT_EQ(device.ids, cpu.ids);
  EXPECT_EQ(device.counts, cpu.counts);
  EXPECT_TRUE(same_bits(device.weights, cpu.weights));
  EXPECT_TRUE(same_bits(device.scores, cpu.scores));
  EXPECT_TRUE(same_bits(device.logits, cpu.logits));
  EXPECT_TRUE(same_bits(device.gaps, cpu.gaps));
  EXPECT_EQ(device.expert_routes, cpu.expert_routes);
  EXPECT_EQ(device.report.routes, cpu.report.routes);
  EXPECT_EQ(device.report.tokens, cpu.report.tokens);
  EXPECT_EQ(device.report.distinct_experts, cpu.report.distinct_experts);
  EXPECT_EQ(device.report.max_expert_routes, cpu.report.max_expert_routes);
  EXPECT_EQ(device.report.overflow_routes, cpu.report.overflow_routes);
  EXPECT_EQ(device.report.dropped_routes, cpu.report.dropped_routes);
}

// The kernels' own tests have their bounds; here it is enough that no row went astray. q8 and q4 differ by
// the CPU's rounding of activations to 8 bits, bfloat16 by one rounding of h.
void expect_near(const std::vector<float>& device, const std::vector<float>& cpu, int32_t format) {
  const float share = format == DMOE_FORMAT_F32 ? 1e-5f : format == DMOE_FORMAT_BF16 ? 0.01f : 0.04f;
  ASSERT_EQ(device.size(), cpu.size());
  float largest = 0, worst = 0;
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    largest = std::max(largest, std::abs(cpu[i]));
    worst = std::max(worst, std::abs(device[i] - cpu[i]));
  }
  EXPECT_LE(worst, share * largest);
}

LayerSpec spec(int32_t hidden, int32_t width, int32_t experts, int32_t k, int32_t format) {
  LayerSpec s;
  s.hidden = hidden;
  s.width = width;
  s.experts = experts;
  s.k = k;
  s.format = format;
  return s;
}

Call call_of(const TestLayer& layer, int32_t slots) {
  Call call;
  call.params = layer.params();
  call.slots = slots;
  return call;
}

class DeviceLayer : public OnDevice {};

TEST_F(DeviceLayer, Forward_WhenAnyFormatAndBatch_DecidesAsTheProcessorDoes) {
  for (const int32_t format : kFormats) {
    const TestLayer layer(spec(40, 33, 6, 2, format));
    const DeviceHandle device = open_device();
    const DeviceLayerHandle copy = copy_layer(device, layer.layer());
    for (const int64_t tokens : {1, 8, 21}) {
      const std::vector<float> x = layer.tokens(tokens);
      const Call call = call_of(layer, 3);
      const Outcome cpu = on_cpu(layer, x, call), got = on_device(copy, layer, x, call);
      expect_same_decisions(got, cpu);
      expect_near(got.output, cpu.output, format);
    }
  }
}

TEST_F(DeviceLayer, Forward_WhenAnyKindWithBias_IsNearTheProcessor) {
  for (int32_t kind = DMOE_EXPERT_SWIGLU; kind <= DMOE_EXPERT_LINEAR; ++kind) {
    LayerSpec s = spec(33, 17, 4, 2, DMOE_FORMAT_BF16);
    s.kind = kind;
    s.bias = true;
    const TestLayer layer(s);
    const DeviceHandle device = open_device();
    const DeviceLayerHandle copy = copy_layer(device, layer.layer());
    for (const int64_t tokens : {2, 9}) {
      const std::vector<float> x = layer.tokens(tokens);
      const Call call = call_of(layer, 0);
      const Outcome cpu = on_cpu(layer, x, call), got = on_device(copy, layer, x, call);
      ASSERT_EQ(got.status, DMOE_OK) << got.text;
      expect_near(got.output, cpu.output, s.format);
    }
  }
}

TEST_F(DeviceLayer, Forward_WhenExpertsAreShared_AddsThem) {
  for (const bool gate : {false, true}) {
    for (const int32_t shared_format : {DMOE_FORMAT_F32, DMOE_FORMAT_BF16}) {
      LayerSpec s = spec(40, 12, 6, 2, DMOE_FORMAT_F32);
      s.shared = 2;
      s.shared_width = 17;
      s.shared_format = shared_format;
      s.shared_gate = gate;
      const TestLayer layer(s);
      const DeviceHandle device = open_device();
      const DeviceLayerHandle copy = copy_layer(device, layer.layer());
      const std::vector<float> x = layer.tokens(11);
      const Call call = call_of(layer, 2);
      const Outcome cpu = on_cpu(layer, x, call), got = on_device(copy, layer, x, call);
      expect_same_decisions(got, cpu);
      expect_near(got.output, cpu.output, shared_format);
    }
  }
}

TEST_F(DeviceLayer, Forward_WhenParamsHaveArrays_ReadsThemAll) {
  const TestLayer layer(spec(24, 8, 8, 3, DMOE_FORMAT_F32));
  const DeviceHandle device = open_device();
  const int64_t tokens = 11;
  const std::vector<float> x = layer.tokens(tokens);
  Random random(5);
  std::vector<float> scores, taus, bias;
  std::vector<int32_t> counts;
  std::vector<int64_t> positions;
  for (int64_t t = 0; t < tokens; ++t) {
    scores.push_back(static_cast<float>(random.below(100)) / 100);
    taus.push_back(static_cast<float>(random.below(100)) / 100);
    counts.push_back(static_cast<int32_t>(random.below(9)) - 2);
    positions.push_back(1000 + 7 * t);
  }
  for (int e = 0; e < 8; ++e) bias.push_back(random.normal() * 0.1f);
  std::vector<uint8_t> mask{1, 1, 0, 1, 1, 1, 0, 1};
  for (const int32_t max_tokens : {64, 6}) {
    const DeviceLayerHandle copy = copy_layer(device, layer.layer(), max_tokens);
    for (int variant = 0; variant < 5; ++variant) {
      Call call = call_of(layer, 6);
      call.params.min_experts = 1;
      call.params.max_experts = 5;
      call.params.noise_factor = 0.2f;
      call.params.noise_seed = 99;
      if (variant == 1) call.params.score_source = DMOE_SCORE_SUPPLIED, call.params.scores = scores.data();
      if (variant == 2) call.params.counts = counts.data(), call.params.positions = positions.data();
      if (variant == 3) call.params.strategy = DMOE_STRATEGY_THRESHOLD, call.params.token_taus = taus.data();
      if (variant == 4) {
        call.params.strategy = DMOE_STRATEGY_TOP_P, call.params.top_p = 0.7f;
        call.params.selection_bias = bias.data(), call.params.expert_mask = mask.data();
      }
      const Outcome cpu = on_cpu(layer, x, call), got = on_device(copy, layer, x, call);
      SCOPED_TRACE(variant);
      expect_same_decisions(got, cpu);
      expect_near(got.output, cpu.output, DMOE_FORMAT_F32);
    }
  }
}

TEST_F(DeviceLayer, Forward_WhenTheBatchIsCut_GivesTheSameBits) {
  const TestLayer layer(spec(40, 12, 5, 2, DMOE_FORMAT_BF16));
  const DeviceHandle device = open_device();
  const std::vector<float> x = layer.tokens(14);
  const Call call = call_of(layer, 2);
  const Outcome whole = on_device(copy_layer(device, layer.layer(), 14), layer, x, call);
  for (const int32_t size : {1, 9}) {
    const Outcome cut = on_device(copy_layer(device, layer.layer(), size), layer, x, call);
    expect_same_decisions(cut, whole);
    EXPECT_TRUE(same_bits(cut.output, whole.output)) << size;
  }
}

TEST_F(DeviceLayer, Forward_WhenLimited_DropsAndCapsAsTheProcessorDoes) {
  const TestLayer layer(spec(32, 12, 8, 2, DMOE_FORMAT_F32));
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer(), 9);
  const std::vector<float> x = layer.tokens(20);
  for (const int32_t overflow : {DMOE_OVERFLOW_DROP, DMOE_OVERFLOW_REROUTE}) {
    for (const int32_t distinct : {0, 4}) {
      Call call = call_of(layer, 2);
      call.limits.capacity_factor = 0.7f;
      call.limits.overflow = overflow;
      call.limits.max_distinct = distinct;
      const Outcome cpu = on_cpu(layer, x, call), got = on_device(copy, layer, x, call);
      expect_same_decisions(got, cpu);
      expect_near(got.output, cpu.output, DMOE_FORMAT_F32);
    }
  }
}

TEST_F(DeviceLayer, Forward_WhenThereAreNoTokens_TellsSo) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  const Call call = call_of(layer, 2);
  const Outcome cpu = on_cpu(layer, {}, call), got = on_device(copy, layer, {}, call);
  expect_same_decisions(got, cpu);
  EXPECT_EQ(got.report.tokens, 0);
}

TEST_F(DeviceLayer, Forward_WhenAHiddenStateIsNotFinite_SaysTheSameAndWritesNothing) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  for (const int32_t max_tokens : {64, 8}) {
    const DeviceLayerHandle copy = copy_layer(device, layer.layer(), max_tokens);
    std::vector<float> x = layer.tokens(20);
    x[17 * 32 + 3] = NAN;
    const Call call = call_of(layer, 2);
    const Outcome cpu = on_cpu(layer, x, call), got = on_device(copy, layer, x, call);
    EXPECT_EQ(got.status, DMOE_E_NOT_FINITE);
    EXPECT_EQ(got.text, "device_" + cpu.text);
    EXPECT_EQ(got.ids[0], -77);
    EXPECT_EQ(got.counts[0], -77);
    EXPECT_EQ(got.expert_routes[0], -77);
    EXPECT_EQ(got.output[0], -77);
  }
}

TEST_F(DeviceLayer, Forward_WhenAnOutputOverflows_NamesTokenAndExpert) {
  const TestLayer layer(spec(32, 48, 4, 1, DMOE_FORMAT_F32));
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  std::vector<float> x = layer.tokens(12);
  for (int c = 0; c < 32; ++c)
    x[static_cast<std::size_t>(5 * 32 + c)] *= 1e36f;  // logits stay finite, products of two do not
  const Call call = call_of(layer, 1);
  const Outcome cpu = on_cpu(layer, x, call), got = on_device(copy, layer, x, call);
  EXPECT_EQ(cpu.status, DMOE_E_OVERFLOW) << cpu.text;
  EXPECT_EQ(got.status, DMOE_E_OVERFLOW) << got.text;
  EXPECT_EQ(got.text, "device_" + cpu.text);
}

TEST_F(DeviceLayer, Execute_WhenRoutesAreGiven_RunsThem) {
  const TestLayer layer(spec(32, 24, 6, 2, DMOE_FORMAT_F32));
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer(), 10);
  const int64_t tokens = 25;
  const std::vector<float> x = layer.tokens(tokens);
  Routing routing;
  const std::vector<float> expected = layer.forward(x, &routing);
  routing.ids[3 * 2 + 1] = -1;  // a slot that is not used
  routing.weights[3 * 2 + 1] = 0;
  std::vector<float> cpu(x.size()), got(x.size());
  ASSERT_EQ(layer.execute(x, routing, cpu), DMOE_OK);
  const dmoe_matrix_f32 in = matrix(x, 32);
  const dmoe_output_f32 out = output(got, 32);
  const dmoe_routes routes = routing.view(tokens);
  dmoe_batch_report report{};
  report.struct_size = sizeof report;
  ASSERT_EQ(dmoe_device_layer_execute(copy.get(), &in, &routes, &out, &report), DMOE_OK) << dmoe_last_error();
  expect_near(got, cpu, DMOE_FORMAT_F32);
  EXPECT_EQ(report.routes, 2 * tokens - 1);
  routing.ids[4] = 6;
  EXPECT_EQ(dmoe_device_layer_execute(copy.get(), &in, &routes, &out, &report), DMOE_E_ARGUMENT);
}

TEST_F(DeviceLayer, Forward_WhenACallRepeats_RunsAsOneGraph) {
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

TEST_F(DeviceLayer, Forward_WhenWarm_TakesNoMoreMemory) {
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

TEST_F(DeviceLayer, Forward_WhenManyCallAtOnce_ServesThemAll) {
  const TestLayer layer(small_spec());
  dmoe_device_options options = device_options();
  options.max_calls = 2;
  const DeviceHandle device = open_device(options);
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  const Call call = call_of(layer, 2);
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 4; ++seed)
    threads.emplace_back([&, seed] {
      const std::vector<float> x = layer.tokens(static_cast<int64_t>(3 + seed), seed);
      const Outcome cpu = on_cpu(layer, x, call);
      for (int i = 0; i < 3; ++i) {
        const Outcome got = on_device(copy, layer, x, call);
        expect_same_decisions(got, cpu);
        expect_near(got.output, cpu.output, DMOE_FORMAT_F32);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(Simulation::calls("cuEventCreate"), 2);
}

TEST_F(DeviceLayer, Create_WhenTheLayerIsTooLargeForADevice_NamesTheLimit) {
  const TestLayer layer(spec(8, 8, 513, 1, DMOE_FORMAT_F32));
  const DeviceHandle device = open_device();
  dmoe_device_layer* copy = nullptr;
  EXPECT_EQ(told(dmoe_device_layer_create(device.get(), layer.layer(), nullptr, &copy)),
            "DMOE_E_OPTIONS device_layer_create: the layer has 513 experts; a device takes at most 512");
  EXPECT_EQ(copy, nullptr);
}

TEST_F(DeviceLayer, Create_WhenMemoryRunsOut_LeavesNothing) {
  Simulation::machine("memory=4096");
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  dmoe_device_layer* copy = nullptr;
  EXPECT_EQ(dmoe_device_layer_create(device.get(), layer.layer(), nullptr, &copy), DMOE_E_DEVICE_MEMORY);
  EXPECT_NE(std::string(dmoe_last_error()).find("device memory"), std::string::npos) << dmoe_last_error();
}

TEST_F(DeviceLayer, Forward_WhenAnyDriverCallFails_SaysWhichAndGoesOnAfterwards) {
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

TEST_F(DeviceLayer, Forward_WhenAGraphCannotBeRecorded_RunsStepByStep) {
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

TEST_F(DeviceLayer, Forward_WhenAGraphCannotBeLaunched_SaysSoAndGoesOnAfterwards) {
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

TEST_F(DeviceLayer, Forward_WhenAKernelFaults_IsABackendErrorThatStays) {
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
