// layer: what it refuses, with which status and text, and that nothing is written then.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

void expect_text(const std::string& part) {
  EXPECT_NE(std::string(dmoe_last_error()).find(part), std::string::npos) << dmoe_last_error();
}

class LayerRefusal : public testing::Test {
 protected:
  LayerRefusal() : layer_(spec()), x_(layer_.tokens(20)), y_(x_.size(), 5.0f) {
    layer_.forward(x_, &routing_);
  }

  static LayerSpec spec() {
    LayerSpec s;
    s.max_tokens = 8;  // 20 tokens are three chunks
    return s;
  }
  dmoe_status forward(const dmoe_layer_params* limits = nullptr) {
    const dmoe_matrix_f32 in = matrix(x_, 32);
    const dmoe_output_f32 out = output(y_, 32);
    const dmoe_route_params p = layer_.params();
    return dmoe_layer_forward(layer_.layer(), &in, &p, limits, nullptr, &out, nullptr);
  }
  dmoe_status execute() { return layer_.execute(x_, routing_, y_); }
  void expect_untouched() { EXPECT_EQ(y_, std::vector<float>(x_.size(), 5.0f)); }

  TestLayer layer_;
  std::vector<float> x_;
  std::vector<float> y_;
  Routing routing_;
};

TEST_F(LayerRefusal, Forward_WhenALateChunkHoldsNaN_NamesTheTokenAndWritesNothing) {
  x_[32 * 19 + 3] = kNaN;
  x_[32 * 17] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(forward(), DMOE_E_NOT_FINITE);
  expect_text("17");
  expect_untouched();
}

TEST_F(LayerRefusal, Execute_WhenHiddenIsNotFinite_NamesTheLowestToken) {
  x_[32 * 19 + 3] = kNaN;
  x_[32 * 17] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(execute(), DMOE_E_NOT_FINITE);
  expect_text("token 17");
  expect_untouched();
}

TEST_F(LayerRefusal, Execute_WhenAnIdIsOutOfRange_NamesIt) {
  for (int32_t id : {-2, 8, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()}) {
    routing_.ids[31] = id;
    EXPECT_EQ(execute(), DMOE_E_ARGUMENT);
    expect_text("token 15 slot 1");
    expect_text(std::to_string(id));
  }
  expect_untouched();
}

TEST_F(LayerRefusal, Execute_WhenAnExpertIsGivenTwice_NamesTheToken) {
  routing_.ids[7] = routing_.ids[6];
  EXPECT_EQ(execute(), DMOE_E_ARGUMENT);
  expect_text("token 3");
  expect_untouched();
}

TEST_F(LayerRefusal, Execute_WhenAWeightIsNotFinite_NamesIt) {
  routing_.weights[9] = kNaN;
  EXPECT_EQ(execute(), DMOE_E_NOT_FINITE);
  expect_text("token 4 slot 1");
  expect_untouched();
}

TEST_F(LayerRefusal, Execute_WhenFiniteInputOverflows_NamesTokenAndExpert) {
  for (size_t i = 0; i < 32; ++i) x_[32 * 11 + i] *= 1e37f;
  EXPECT_EQ(execute(), DMOE_E_OVERFLOW);
  expect_text("token 11");
  expect_text("expert " + std::to_string(std::min(routing_.ids[22], routing_.ids[23])));  // both do
}

TEST_F(LayerRefusal, Forward_WhenShapesDiffer_IsRefused) {
  const dmoe_route_params p = layer_.params();
  const auto status = [&](auto change) {
    dmoe_matrix_f32 in = matrix(x_, 32);
    dmoe_output_f32 out = output(y_, 32);
    change(in, out);
    return dmoe_layer_forward(layer_.layer(), &in, &p, nullptr, nullptr, &out, nullptr);
  };
  EXPECT_EQ(status([](auto& in, auto&) { in.columns = 31; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto& in, auto&) { in.rows = -1; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto& in, auto&) { in.row_stride = 31; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto&, auto& out) { out.rows = 19; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto&, auto& out) { out.columns = 31; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto&, auto& out) { out.data = nullptr; }), DMOE_E_ARGUMENT);
  expect_untouched();
}

TEST_F(LayerRefusal, Forward_WhenOutputOverlapsInput_IsRefused) {
  const dmoe_route_params p = layer_.params();
  const dmoe_matrix_f32 in = matrix(x_, 32);
  const dmoe_output_f32 out = output(x_, 32);
  EXPECT_EQ(dmoe_layer_forward(layer_.layer(), &in, &p, nullptr, nullptr, &out, nullptr), DMOE_E_ARGUMENT);
}

TEST_F(LayerRefusal, Forward_WhenCapacityIsOutOfRange_IsRefused) {
  for (float factor : {-1.0f, kNaN, std::numeric_limits<float>::infinity()}) {
    const dmoe_layer_params limits{sizeof limits, factor, DMOE_OVERFLOW_DROP, 0};
    EXPECT_EQ(forward(&limits), DMOE_E_OPTIONS);
  }
  const dmoe_layer_params limits{sizeof limits, 1.0f, 2, 0};
  EXPECT_EQ(forward(&limits), DMOE_E_OPTIONS);
  expect_untouched();
}

TEST_F(LayerRefusal, Calls_WhenAnArgumentIsNull_AreRefused) {
  const dmoe_route_params p = layer_.params();
  const dmoe_matrix_f32 in = matrix(x_, 32);
  const dmoe_output_f32 out = output(y_, 32);
  const dmoe_layer* layer = layer_.layer();
  EXPECT_EQ(dmoe_layer_forward(nullptr, &in, &p, nullptr, nullptr, &out, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_layer_forward(layer, nullptr, &p, nullptr, nullptr, &out, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_layer_forward(layer, &in, nullptr, nullptr, nullptr, &out, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_layer_forward(layer, &in, &p, nullptr, nullptr, nullptr, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_layer_execute(layer, &in, nullptr, &out, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_layer_create(nullptr, layer_.router(), layer_.experts(), nullptr), DMOE_E_ARGUMENT);
  dmoe_layer_destroy(nullptr);
  dmoe_experts_destroy(nullptr);
  expect_untouched();
}

dmoe_experts_options small_options() {
  dmoe_experts_options o{};
  o.struct_size = sizeof o;
  o.experts = 8;
  o.hidden = 32;
  o.width = 4;
  o.kind = DMOE_EXPERT_RELU;
  return o;
}

dmoe_status create_layer(const dmoe_layer_options& options, const TestLayer& parts, dmoe_experts* experts) {
  dmoe_layer* layer = nullptr;
  const dmoe_status status = dmoe_layer_create(&options, parts.router(), experts, &layer);
  EXPECT_EQ(layer, nullptr);
  return status;
}

TEST_F(LayerRefusal, Create_WhenAnExpertHasNoWeights_NamesIt) {
  const dmoe_experts_options eo = small_options();
  dmoe_experts* experts = nullptr;
  ASSERT_EQ(dmoe_experts_create(&eo, &experts), DMOE_OK) << dmoe_last_error();
  const std::vector<float> w(128, 0.5f);
  dmoe_expert_weights weights{};
  weights.struct_size = sizeof weights;
  weights.up = weights.down = w.data();
  for (int32_t e : {0, 1, 2, 4, 5, 6, 7}) {
    ASSERT_EQ(dmoe_experts_set(experts, e, &weights), DMOE_OK) << dmoe_last_error();
  }
  EXPECT_EQ(create_layer({sizeof(dmoe_layer_options), 8, 0, nullptr, nullptr}, layer_, experts),
            DMOE_E_STATE);
  expect_text("expert 3");
  dmoe_experts_destroy(experts);
}

TEST_F(LayerRefusal, Create_WhenPartsDoNotFit_IsRefused) {
  for (bool hidden : {false, true}) {
    dmoe_experts_options eo = small_options();
    (hidden ? eo.hidden : eo.experts) += 1;
    dmoe_experts* experts = nullptr;
    ASSERT_EQ(dmoe_experts_create(&eo, &experts), DMOE_OK) << dmoe_last_error();
    EXPECT_EQ(create_layer({sizeof(dmoe_layer_options), 8, 0, nullptr, nullptr}, layer_, experts),
              DMOE_E_SHAPE);
    dmoe_experts_destroy(experts);
  }
  const std::vector<float> gate(32, 1.0f);
  const uint32_t size = sizeof(dmoe_layer_options);
  EXPECT_EQ(create_layer({size, 8, 0, nullptr, gate.data()}, layer_, layer_.experts()), DMOE_E_OPTIONS);
  EXPECT_EQ(create_layer({size, 0, 0, nullptr, nullptr}, layer_, layer_.experts()), DMOE_E_OPTIONS);
  EXPECT_EQ(create_layer({size, 8, -1, nullptr, nullptr}, layer_, layer_.experts()), DMOE_E_OPTIONS);
}

TEST(ExpertsRefusal, Create_WhenOptionsAreOutOfRange_IsRefused) {
  const auto status = [](auto change) {
    dmoe_experts_options o = small_options();
    change(o);
    dmoe_experts* experts = nullptr;
    return dmoe_experts_create(&o, &experts);
  };
  EXPECT_EQ(status([](auto& o) { o.experts = 0; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.experts = 4097; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.hidden = -1; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.width = 1 << 21; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.kind = 6; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.kind = DMOE_EXPERT_LINEAR; }), DMOE_E_OPTIONS);  // width is not hidden
  EXPECT_EQ(status([](auto& o) { o.format = 4; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.use_bias = 2; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.isa = 99; }), DMOE_E_OPTIONS);
}

TEST(ExpertsRefusal, Set_WhenWeightsAreUnusable_NamesExpertMatrixAndRow) {
  dmoe_experts_options eo = small_options();
  eo.format = DMOE_FORMAT_BF16;
  dmoe_experts* experts = nullptr;
  ASSERT_EQ(dmoe_experts_create(&eo, &experts), DMOE_OK) << dmoe_last_error();
  std::vector<float> up(128, 0.5f), down(128, 0.5f);
  const auto status = [&](int32_t expert, auto change) {
    dmoe_expert_weights w{};
    w.struct_size = sizeof w;
    w.up = up.data();
    w.down = down.data();
    change(w);
    return dmoe_experts_set(experts, expert, &w);
  };
  const auto as_is = [](auto&) {};
  down[4 * 7 + 1] = kNaN;
  EXPECT_EQ(status(5, as_is), DMOE_E_NOT_FINITE);
  expect_text("expert 5: down row 7");
  down[4 * 7 + 1] = std::numeric_limits<float>::max();  // infinite once rounded to bfloat16
  EXPECT_EQ(status(5, as_is), DMOE_E_NOT_FINITE);
  down[4 * 7 + 1] = 0.5f;
  EXPECT_EQ(status(8, as_is), DMOE_E_SHAPE);
  EXPECT_EQ(status(-1, as_is), DMOE_E_SHAPE);
  EXPECT_EQ(status(0, [&](auto& w) { w.down_bias = down.data(); }), DMOE_E_ARGUMENT);  // use_bias is 0
  EXPECT_EQ(status(0, [&](auto& w) { w.gate = up.data(); }), DMOE_E_ARGUMENT);
  EXPECT_EQ(status(0, [](auto& w) { w.up = nullptr; }), DMOE_E_ARGUMENT);
  EXPECT_EQ(status(0, [](auto& w) { w.dtype = 3; }), DMOE_E_ARGUMENT);
  EXPECT_EQ(status(0, as_is), DMOE_OK) << dmoe_last_error();
  dmoe_experts_destroy(experts);
}

}  // namespace
}  // namespace dmoe::test
