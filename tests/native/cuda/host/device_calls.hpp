// Calls of a layer with host memory, on the CPU and on a device, and how their outcomes are compared.
#ifndef DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_CALLS_HPP_
#define DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_CALLS_HPP_

#include <algorithm>
#include <cmath>

#include "cuda/host/device_fixture.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {

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

inline Outcome on_cpu(const TestLayer& layer, const std::vector<float>& x, const Call& call) {
  return run(layer, x, call,
             [&](auto... arguments) { return dmoe_layer_forward(layer.layer(), arguments...); });
}
inline Outcome on_device(const DeviceLayerHandle& copy, const TestLayer& layer, const std::vector<float>& x,
                         const Call& call) {
  return run(layer, x, call,
             [&](auto... arguments) { return dmoe_device_layer_forward(copy.get(), arguments...); });
}

inline void expect_same_decisions(const Outcome& device, const Outcome& cpu) {
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
inline void expect_near(const std::vector<float>& device, const std::vector<float>& cpu, int32_t format) {
  const float share = format == DMOE_FORMAT_F32 ? 1e-5f : format == DMOE_FORMAT_BF16 ? 0.01f : 0.04f;
  ASSERT_EQ(device.size(), cpu.size());
  float largest = 0, worst = 0;
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    largest = std::max(largest, std::abs(cpu[i]));
    worst = std::max(worst, std::abs(device[i] - cpu[i]));
  }
  EXPECT_LE(worst, share * largest);
}

inline LayerSpec spec(int32_t hidden, int32_t width, int32_t experts, int32_t k, int32_t format) {
  LayerSpec s;
  s.hidden = hidden;
  s.width = width;
  s.experts = experts;
  s.k = k;
  s.format = format;
  return s;
}

inline Call call_of(const TestLayer& layer, int32_t slots) {
  Call call;
  call.params = layer.params();
  call.slots = slots;
  return call;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_HOST_DEVICE_CALLS_HPP_
