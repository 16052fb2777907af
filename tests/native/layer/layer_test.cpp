// layer: forward and execute against double precision, and bit for bit against themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "engine/cpu.hpp"
#include "support/cases/expert_cases.hpp"
#include "support/same_bits.hpp"
#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kFormats[] = {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4};

LayerSpec spec(int32_t hidden, int32_t width, int32_t experts, int32_t k) {
  LayerSpec s;
  s.hidden = hidden;
  s.width = width;
  s.experts = experts;
  s.k = k;
  return s;
}

// Rows [first, first + count) of a batch.
std::vector<float> rows(const std::vector<float>& x, int64_t hidden, int64_t first, int64_t count) {
  return {x.begin() + static_cast<std::ptrdiff_t>(first * hidden),
          x.begin() + static_cast<std::ptrdiff_t>((first + count) * hidden)};
}

void expect_correct(const TestLayer& layer, int64_t tokens) {
  Routing routing;
  const std::vector<float> x = layer.tokens(tokens);
  const std::vector<float> y = layer.forward(x, &routing);
  layer.expect_close(x, routing, y);
}

TEST(Layer, Forward_WhenAnyShapeAndFormat_IsWithinItsBound) {
  for (const RoutedShape& shape : kRoutedShapes) {
    LayerSpec s = spec(shape.hidden, shape.width, shape.experts, shape.k);
    for (int32_t format : kFormats) {
      s.format = format;
      const TestLayer layer(s);
      for (int64_t tokens : {1, 2, 3, 7, 64}) expect_correct(layer, tokens);
    }
  }
}

TEST(Layer, Forward_WhenManyTokens_IsWithinItsBound) {
  for (int32_t format : kFormats) {
    LayerSpec s = spec(33, 24, 6, 2);
    s.format = format;
    expect_correct(TestLayer(s), 512);
    expect_correct(TestLayer(s), 700);  // a chunk and a bit
  }
}

TEST(Layer, Forward_WhenAnyKindWithBias_IsWithinItsBound) {
  for (int32_t kind = DMOE_EXPERT_SWIGLU; kind <= DMOE_EXPERT_LINEAR; ++kind) {
    for (int32_t format : kFormats) {
      LayerSpec s = spec(40, 50, 4, 2);
      s.kind = kind;
      s.format = format;
      s.bias = true;
      const TestLayer layer(s);
      for (int64_t tokens : {1, 19}) expect_correct(layer, tokens);
    }
  }
}

TEST(Layer, Forward_WhenExpertsAreShared_AddsThemAfterTheRoutedOnes) {
  for (bool gate : {false, true}) {
    for (int32_t format : kFormats) {
      LayerSpec s = spec(48, 20, 6, 2);
      s.format = format;
      s.shared = 2;
      s.shared_width = 70;
      s.shared_gate = gate;
      const TestLayer layer(s);
      for (int64_t tokens : {1, 5, 40}) expect_correct(layer, tokens);
    }
  }
}

TEST(Layer, Forward_WhenSharedExpertsHaveAnotherFormat_RoundsTokensForEach) {
  for (int32_t format : kFormats) {
    for (int32_t shared_format : kFormats) {
      LayerSpec s = spec(48, 20, 6, 2);
      s.format = format;
      s.shared = 1;
      s.shared_format = shared_format;
      const TestLayer layer(s);
      layer.forward(layer.tokens(40, 7));  // what the workspace holds must not matter
      for (int64_t tokens : {1, 5, 40}) expect_correct(layer, tokens);
    }
  }
}

TEST(Layer, Forward_WhenTheBatchIsCutDifferently_GivesTheSameBits) {
  for (int32_t format : kFormats) {
    LayerSpec s = spec(65, 50, 7, 3);
    s.format = format;
    s.shared = 1;
    const TestLayer layer(s);
    const std::vector<float> x = layer.tokens(512);
    const std::vector<float> whole = layer.forward(x);
    for (int64_t size : {1, 2, 3, 7, 64}) {
      for (int64_t first = 0; first + size <= 512; first += std::max<int64_t>(size, 29)) {
        EXPECT_TRUE(
            same_bits(layer.forward(rows(x, s.hidden, first, size)), rows(whole, s.hidden, first, size)))
            << size << " tokens from " << first;
      }
    }
    for (int32_t max_tokens : {1, 10, 100}) {
      LayerSpec chunked = s;
      chunked.max_tokens = max_tokens;
      EXPECT_TRUE(same_bits(TestLayer(chunked).forward(x), whole)) << "chunks of " << max_tokens;
    }
  }
}

TEST(Layer, Forward_WhenAnyThreadCount_GivesTheSameBits) {
  for (int32_t format : kFormats) {
    LayerSpec s = spec(130, 70, 9, 2);
    s.format = format;
    const std::vector<float> x = TestLayer(s).tokens(100);
    s.threads = 1;
    const std::vector<float> one = TestLayer(s).forward(x);
    for (int32_t threads : {2, 3, 8}) {
      ASSERT_EQ(dmoe_runtime_set_threads(threads), DMOE_OK);
      s.threads = threads;
      EXPECT_TRUE(same_bits(TestLayer(s).forward(x), one)) << threads << " threads";
    }
    dmoe_runtime_set_threads(0);
  }
}

TEST(Layer, Forward_WhenAnyLevelThatRunsHere_IsWithinItsBoundAndAllButBf16HaveTheSameBits) {
  for (int32_t format : kFormats) {
    LayerSpec s = spec(50, 40, 5, 2);
    s.format = format;
    s.isa = DMOE_ISA_SCALAR;
    const std::vector<float> x = TestLayer(s).tokens(33);
    const std::vector<float> scalar = TestLayer(s).forward(x);
    for (int32_t isa = DMOE_ISA_SCALAR; isa <= DMOE_ISA_NEON; ++isa) {
      if ((cpu_info().isa_supported & (1u << isa)) == 0) continue;
      s.isa = isa;
      if (format == DMOE_FORMAT_BF16) {
        expect_correct(TestLayer(s), 33);
      } else {
        EXPECT_TRUE(same_bits(TestLayer(s).forward(x), scalar)) << isa_name(isa) << " format " << format;
      }
    }
  }
}

TEST(Layer, Execute_WhenGivenForwardsRoutes_GivesTheSameBits) {
  LayerSpec s = spec(40, 33, 6, 3);
  s.shared = 1;
  const TestLayer layer(s);
  const std::vector<float> x = layer.tokens(50);
  Routing routing;
  const std::vector<float> y = layer.forward(x, &routing);
  std::vector<float> again;
  EXPECT_EQ(layer.execute(x, routing, again), DMOE_OK) << dmoe_last_error();
  EXPECT_TRUE(same_bits(again, y));
}

TEST(Layer, Execute_WhenSlotsAreUnused_LeavesThemOut) {
  const TestLayer layer(spec(40, 33, 6, 3));
  const std::vector<float> x = layer.tokens(20);
  Routing routing;
  layer.forward(x, &routing);
  for (size_t t = 0; t < 20; ++t) routing.ids[t * 3 + t % 3] = -1;
  for (size_t s = 0; s < 3; ++s) routing.ids[21 + s] = -1;  // token 7 has no route
  std::vector<float> y;
  ASSERT_EQ(layer.execute(x, routing, y), DMOE_OK) << dmoe_last_error();
  layer.expect_close(x, routing, y);
  EXPECT_EQ(rows(y, 40, 7, 1), std::vector<float>(40, 0.0f));
}

TEST(Layer, Forward_WhenCapacityDrops_ReportsAndRunsWhatIsLeft) {
  const TestLayer layer(spec(32, 16, 8, 2));
  const std::vector<float> x = layer.tokens(64);
  std::vector<float> y(x.size());
  const dmoe_matrix_f32 in = matrix(x, 32);
  const dmoe_output_f32 out = output(y, 32);
  const dmoe_route_params p = layer.params();
  for (int32_t overflow : {DMOE_OVERFLOW_DROP, DMOE_OVERFLOW_REROUTE}) {
    Routing routing;
    routing.slots = 2;
    routing.ids.resize(128);
    routing.weights.resize(128);
    dmoe_routes routes = routing.view(64);
    const dmoe_layer_params limits{sizeof(dmoe_layer_params), 1.0f, overflow, 0};
    dmoe_batch_report report{};
    report.struct_size = sizeof report;
    ASSERT_EQ(dmoe_layer_forward(layer.layer(), &in, &p, &limits, &routes, &out, &report), DMOE_OK)
        << dmoe_last_error();
    EXPECT_LE(report.max_expert_routes, 16);
    EXPECT_GT(report.overflow_routes, 0);
    EXPECT_EQ(report.routes, 128 - report.dropped_routes);
    EXPECT_EQ(report.routes, 128 - std::count(routing.ids.begin(), routing.ids.end(), -1));
    layer.expect_close(x, routing, y);
  }
}

TEST(Layer, Forward_WhenSomeExpertsGetNothing_RunsTheOthers) {
  const TestLayer layer(spec(32, 16, 8, 2));
  const std::vector<float> x = layer.tokens(30);
  std::vector<float> y(x.size());
  const dmoe_matrix_f32 in = matrix(x, 32);
  const dmoe_output_f32 out = output(y, 32);
  dmoe_route_params p = layer.params();
  const uint8_t mask[] = {0, 1, 0, 0, 1, 0, 0, 0};
  p.expert_mask = mask;
  Routing routing;
  routing.slots = 3;  // one more than is used
  routing.ids.resize(90);
  routing.weights.resize(90);
  dmoe_routes routes = routing.view(30);
  dmoe_batch_report report{};
  report.struct_size = sizeof report;
  ASSERT_EQ(dmoe_layer_forward(layer.layer(), &in, &p, nullptr, &routes, &out, &report), DMOE_OK)
      << dmoe_last_error();
  EXPECT_EQ(report.distinct_experts, 2);
  EXPECT_EQ(report.routes, 60);
  layer.expect_close(x, routing, y);
}

TEST(Layer, Forward_WhenTheBatchIsEmpty_ReportsZeros) {
  const TestLayer layer(spec(32, 16, 8, 2));
  dmoe_batch_report report{};
  report.struct_size = sizeof report;
  report.tokens = 5;
  EXPECT_TRUE(layer.forward({}, nullptr, &report).empty());
  EXPECT_EQ(report.tokens, 0);
  EXPECT_EQ(report.routes, 0);
}

TEST(Layer, Forward_WhenItsPartsAreDestroyed_StillRuns) {
  TestLayer layer(spec(32, 16, 8, 2));
  const std::vector<float> x = layer.tokens(4);
  const std::vector<float> before = layer.forward(x);
  layer.drop_parts();
  EXPECT_TRUE(same_bits(layer.forward(x), before));
}

TEST(Layer, Forward_WhenWarm_AllocatesNothing) {
  LayerSpec s = spec(64, 48, 8, 2);
  s.format = DMOE_FORMAT_BF16;
  s.shared = 1;
  const TestLayer layer(s);
  const std::vector<float> x = layer.tokens(600);
  const std::vector<float> one = layer.tokens(1);
  layer.forward(x);
  dmoe_runtime_info before{}, after{};
  before.struct_size = after.struct_size = sizeof before;
  ASSERT_EQ(dmoe_runtime_query(&before), DMOE_OK);
  for (int i = 0; i < 5; ++i) {
    layer.forward(x);
    layer.forward(one);
  }
  ASSERT_EQ(dmoe_runtime_query(&after), DMOE_OK);
  EXPECT_EQ(after.allocation_count, before.allocation_count);
  EXPECT_EQ(after.allocated_bytes, before.allocated_bytes);
}

TEST(Layer, Forward_WhenManyThreadsCallOneLayer_EachGetsItsOwnResult) {
  LayerSpec s = spec(64, 48, 8, 2);
  s.shared = 1;
  const TestLayer layer(s);
  std::vector<std::vector<float>> inputs, expected;
  for (uint64_t i = 0; i < 8; ++i) {
    inputs.push_back(layer.tokens(1 + static_cast<int64_t>(i) * 5, 100 + i));
    expected.push_back(layer.forward(inputs.back()));
  }
  std::vector<std::thread> callers;
  std::vector<int> wrong(8, 0);
  for (size_t i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) wrong[i] += !same_bits(layer.forward(inputs[i]), expected[i]);
    });
  }
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

}  // namespace
}  // namespace dmoe::test
