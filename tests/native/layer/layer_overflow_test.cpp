// layer: which token and expert a result that is not finite is blamed on, however the work is cut.
#include <gtest/gtest.h>

#include <string>

#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kHidden =
    256;  // 8 panels: with one thread 0..3 and 4..7 are a unit each, with four each one is

// Linear experts that write chosen columns and zeros else: column c of an expert gives value * x[0].
class LayerOverflow : public testing::TestWithParam<int32_t> {
 protected:
  LayerOverflow() : layer_(spec()), x_(kHidden * 4, 0.0f) {
    EXPECT_EQ(dmoe_runtime_set_threads(GetParam()), DMOE_OK);
    routing_.slots = 2;
    for (int t = 0; t < 4; ++t) {
      routing_.ids.insert(routing_.ids.end(), {3, 1});
      routing_.weights.insert(routing_.weights.end(), {1.0f, 1.0f});
    }
  }
  ~LayerOverflow() override { dmoe_runtime_set_threads(0); }

  static LayerSpec spec() {
    LayerSpec s;
    s.hidden = kHidden;
    s.kind = DMOE_EXPERT_LINEAR;
    s.experts = 4;
    return s;
  }
  struct Cell {
    size_t column;
    float value;
  };
  void set(int32_t expert, const std::vector<Cell>& cells) {
    std::vector<float> w(kHidden * kHidden, 0.0f);
    for (const Cell& cell : cells) w[cell.column * kHidden] = cell.value;
    dmoe_expert_weights weights{};
    weights.struct_size = sizeof weights;
    weights.up = w.data();
    ASSERT_EQ(dmoe_experts_set(layer_.experts(), expert, &weights), DMOE_OK) << dmoe_last_error();
  }
  void expect_blamed(int token, int expert, const std::string& where = "") {
    std::vector<float> y;
    EXPECT_EQ(layer_.execute(x_, routing_, y), DMOE_E_OVERFLOW);
    EXPECT_EQ(std::string(dmoe_last_error()), "layer_execute: token " + std::to_string(token) + ": expert " +
                                                  std::to_string(expert) +
                                                  " gives a value that is not finite" + where);
  }

  TestLayer layer_;
  std::vector<float> x_;
  Routing routing_;
};

INSTANTIATE_TEST_SUITE_P(Threads, LayerOverflow, testing::Values(1, 2, 4),
                         [](const auto& info) { return std::to_string(info.param); });

TEST_P(LayerOverflow, Execute_WhenOneExpertAndElsewhereASumOverflow_BlamesTheExpert) {
  set(3, {{0, 1e20f}, {100, 2e19f}});
  set(1, {{100, 2e19f}});
  x_[2 * kHidden] = 1e19f;
  x_[3 * kHidden] = 1e19f;
  expect_blamed(2, 3);
}

TEST_P(LayerOverflow, Execute_WhenBothExpertsOverflow_BlamesTheLower) {
  set(3, {{0, 1e20f}});
  set(1, {{100, 1e20f}});
  x_[kHidden] = 1e19f;
  expect_blamed(1, 1);
}

TEST_P(LayerOverflow, Execute_WhenOnlySumsOverflow_BlamesTheLowerExpert) {
  set(3, {{100, 2e19f}, {5, 2e19f}});
  set(1, {{100, 2e19f}, {5, 2e19f}});
  x_[0] = 1e19f;
  expect_blamed(0, 1, " in the sum of the token's experts");
}

}  // namespace
}  // namespace dmoe::test
