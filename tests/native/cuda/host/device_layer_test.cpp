// A layer on a device against the CPU's, with host memory: equal decisions bit for bit, outputs within the
// kernels' bounds.
#include <cmath>
#include <thread>

#include "cuda/host/device_calls.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kFormats[] = {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4};

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

// More than 1024 slots are planned in tiles, by three kernels.
TEST_F(DeviceLayer, Forward_WhenRoutesHaveMoreSlotsThanATile_DecidesAsTheProcessorDoes) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  const Call call = call_of(layer, 300);
  const std::vector<float> x = layer.tokens(5);
  const Outcome cpu = on_cpu(layer, x, call), got = on_device(copy, layer, x, call);
  expect_same_decisions(got, cpu);
  expect_near(got.output, cpu.output, DMOE_FORMAT_F32);
  EXPECT_EQ(Simulation::calls("dmoe_plan_scatter"), 1);
  on_device(copy, layer, x, call_of(layer, 2));
  EXPECT_EQ(Simulation::calls("dmoe_plan_scatter"), 1);
  EXPECT_EQ(Simulation::calls("dmoe_plan_tile"), 1);
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

TEST_F(DeviceLayer, Forward_WhenManyCallAtOnce_ServesThemAll) {
  const TestLayer layer(many_experts_spec());
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

}  // namespace
}  // namespace dmoe::test
