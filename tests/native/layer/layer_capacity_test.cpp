// layer: capacity and the cap on distinct experts look at the whole batch, also when the batch runs in
// chunks.
#include <gtest/gtest.h>

#include "support/same_bits.hpp"
#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

constexpr int64_t kTokens = 64;
constexpr int32_t kHidden = 32, kExperts = 8;

LayerSpec chunks_of(int32_t max_tokens) {
  LayerSpec s;
  s.hidden = kHidden;
  s.width = 16;
  s.experts = kExperts;
  s.max_tokens = max_tokens;
  return s;
}

struct Outcome {
  Routing routing;
  std::vector<int32_t> counts = std::vector<int32_t>(kTokens);
  std::vector<float> y = std::vector<float>(kTokens * kHidden);
  dmoe_batch_report report{};

  Outcome() {
    routing.slots = 2;
    routing.ids.resize(2 * kTokens);
    routing.weights.resize(2 * kTokens);
    report.struct_size = sizeof report;
  }
  dmoe_routes routes() {
    dmoe_routes r = routing.view(kTokens);
    r.counts = counts.data();
    return r;
  }
};

dmoe_layer_params limits(float factor, int32_t overflow, int32_t distinct = 0) {
  return {sizeof(dmoe_layer_params), factor, overflow, distinct};
}

Outcome forward(const TestLayer& layer, const std::vector<float>& x, const dmoe_layer_params& limits) {
  Outcome o;
  const dmoe_matrix_f32 in = matrix(x, kHidden);
  const dmoe_output_f32 out = output(o.y, kHidden);
  const dmoe_route_params p = layer.params();
  const dmoe_routes routes = o.routes();
  EXPECT_EQ(dmoe_layer_forward(layer.layer(), &in, &p, &limits, &routes, &out, &o.report), DMOE_OK)
      << dmoe_last_error();
  return o;
}

// The same, one call per stage.
Outcome staged(const TestLayer& layer, const std::vector<float>& x, const dmoe_layer_params& limits) {
  Outcome o;
  std::vector<float> logits(kTokens * kExperts);
  const dmoe_matrix_f32 in = matrix(x, kHidden), scores = matrix(logits, kExperts);
  const dmoe_output_f32 out = output(o.y, kHidden), logits_out = output(logits, kExperts);
  const dmoe_route_params p = layer.params();
  const dmoe_routes routes = o.routes();
  EXPECT_EQ(dmoe_router_logits(layer.router(), &in, &logits_out), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(dmoe_router_select(layer.router(), &scores, &p, &routes, nullptr), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(dmoe_router_limit(layer.router(), &scores, &p, &limits, &routes, &o.report), DMOE_OK)
      << dmoe_last_error();
  EXPECT_EQ(dmoe_layer_execute(layer.layer(), &in, &routes, &out, nullptr), DMOE_OK) << dmoe_last_error();
  return o;
}

void expect_same(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.routing.ids, b.routing.ids);
  EXPECT_EQ(a.counts, b.counts);
  EXPECT_TRUE(same_bits(a.routing.weights, b.routing.weights));
  EXPECT_TRUE(same_bits(a.y, b.y));
  EXPECT_EQ(a.report.routes, b.report.routes);
  EXPECT_EQ(a.report.overflow_routes, b.report.overflow_routes);
  EXPECT_EQ(a.report.dropped_routes, b.report.dropped_routes);
  EXPECT_EQ(a.report.max_expert_routes, b.report.max_expert_routes);
}

TEST(LayerCapacity, Forward_WhenTokensExceedTheChunk_LimitsTheWholeBatch) {
  const std::vector<float> x = TestLayer(chunks_of(512)).tokens(kTokens);
  for (int32_t overflow : {DMOE_OVERFLOW_DROP, DMOE_OVERFLOW_REROUTE}) {
    const dmoe_layer_params l = limits(1.0f, overflow);
    const Outcome whole = forward(TestLayer(chunks_of(512)), x, l);
    EXPECT_GT(whole.report.overflow_routes, 0);
    EXPECT_LE(whole.report.max_expert_routes, 16);  // 128 routes, 8 experts
    for (int32_t max_tokens : {1, 10, 64}) {
      SCOPED_TRACE(testing::Message() << "chunks of " << max_tokens << ", overflow " << overflow);
      const TestLayer layer(chunks_of(max_tokens));
      expect_same(forward(layer, x, l), whole);
      expect_same(staged(layer, x, l), whole);
    }
  }
}

TEST(LayerCapacity, Forward_WhenDistinctExpertsAreCapped_CapsTheWholeBatch) {
  const std::vector<float> x = Random(32).normals(kTokens * kHidden);
  for (const float factor : {0.0f, 1.5f}) {
    const dmoe_layer_params l = limits(factor, DMOE_OVERFLOW_REROUTE, 3);
    const Outcome whole = forward(TestLayer(chunks_of(512)), x, l);
    EXPECT_EQ(whole.report.distinct_experts, 3);
    for (int32_t max_tokens : {1, 10, 64}) {
      SCOPED_TRACE(testing::Message() << "chunks of " << max_tokens << ", factor " << factor);
      const TestLayer layer(chunks_of(max_tokens));
      expect_same(forward(layer, x, l), whole);
      expect_same(staged(layer, x, l), whole);
    }
  }
}

}  // namespace
}  // namespace dmoe::test
