// linear: dmoe_linear_* against double precision, bit for bit against itself, and what it refuses.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "support/packed.hpp"
#include "support/same_bits.hpp"
#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

class TestLinear {
 public:
  TestLinear(int32_t inputs, int32_t outputs, bool bf16, uint64_t seed = 2)
      : inputs_(inputs), outputs_(outputs), bf16_(bf16) {
    Random random(seed);
    weights_ = random.normals(int64_t{inputs} * outputs);
    bias_ = random.normals(outputs);
    dmoe_linear_options o{};
    o.struct_size = sizeof o;
    o.inputs = inputs;
    o.outputs = outputs;
    o.format = bf16 ? DMOE_FORMAT_BF16 : DMOE_FORMAT_F32;
    o.weights = weights_.data();
    o.bias = bias_.data();
    dmoe_linear* linear = nullptr;
    EXPECT_EQ(dmoe_linear_create(&o, &linear), DMOE_OK) << dmoe_last_error();
    linear_.reset(linear);
  }
  std::vector<float> run(const std::vector<float>& x, int32_t threads = 0) const {
    std::vector<float> y(x.size() / static_cast<size_t>(inputs_) * static_cast<size_t>(outputs_), 9.0f);
    const dmoe_matrix_f32 in = matrix(x, inputs_);
    const dmoe_output_f32 out = output(y, outputs_);
    EXPECT_EQ(dmoe_linear_run(linear_.get(), &in, threads, &out), DMOE_OK) << dmoe_last_error();
    return y;
  }
  void expect_close(const std::vector<float>& x, const std::vector<float>& y) const {
    const size_t k = static_cast<size_t>(inputs_), n = static_cast<size_t>(outputs_);
    for (size_t i = 0; i < y.size(); ++i) {
      double sum = static_cast<double>(bias_[i % n]), magnitude = std::abs(sum);
      for (size_t c = 0; c < k; ++c) {
        const double term = static_cast<double>(rounded(x[i / n * k + c], bf16_)) *
                            static_cast<double>(rounded(weights_[i % n * k + c], bf16_));
        sum += term;
        magnitude += std::abs(term);
      }
      ASSERT_LE(std::abs(static_cast<double>(y[i]) - sum), product_bound(inputs_, magnitude))
          << "element " << i;
    }
  }
  dmoe_linear* get() const { return linear_.get(); }

 private:
  int32_t inputs_, outputs_;
  bool bf16_;
  std::vector<float> weights_, bias_;
  std::unique_ptr<dmoe_linear, decltype(&dmoe_linear_destroy)> linear_{nullptr, dmoe_linear_destroy};
};

TEST(Linear, Run_WhenAnyShape_IsWithinItsBoundAndKeepsItsBits) {
  for (bool bf16 : {false, true}) {
    for (auto [inputs, outputs] : {std::pair{1, 1}, {33, 17}, {64, 200}, {100, 333}}) {
      const TestLinear linear(inputs, outputs, bf16);
      for (int64_t rows : {0, 1, 2, 7, 64, 150}) {
        const std::vector<float> x = Random(4).normals(rows * inputs);
        const std::vector<float> y = linear.run(x);
        linear.expect_close(x, y);
        for (int32_t threads : {1, 2, 8})
          EXPECT_TRUE(same_bits(linear.run(x, threads), y)) << threads << " threads";
        if (rows == 0) continue;
        const std::vector<float> last = linear.run({x.end() - inputs, x.end()});
        EXPECT_TRUE(same_bits(last.data(), y.data() + (rows - 1) * outputs, last.size())) << rows << " rows";
      }
    }
  }
}

TEST(Linear, Run_WhenShapesDiffer_IsRefused) {
  const TestLinear linear(8, 5, false);
  std::vector<float> x(24, 1.0f), y(15, 3.0f);
  const auto status = [&](auto change) {
    dmoe_matrix_f32 in = matrix(x, 8);
    dmoe_output_f32 out = output(y, 5);
    change(in, out);
    return dmoe_linear_run(linear.get(), &in, 0, &out);
  };
  EXPECT_EQ(status([](auto& in, auto&) { in.columns = 7; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto&, auto& out) { out.columns = 4; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto&, auto& out) { out.rows = 2; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([&](auto&, auto& out) { out.data = x.data(); }), DMOE_E_ARGUMENT);
  EXPECT_EQ(status([](auto& in, auto&) { in.data = nullptr; }), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_linear_run(nullptr, nullptr, 0, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(y, std::vector<float>(15, 3.0f));
  dmoe_linear_destroy(nullptr);
}

TEST(Linear, Create_WhenOptionsAreUnusable_IsRefused) {
  std::vector<float> weights(40, 1.0f);
  const auto status = [&](auto change) {
    dmoe_linear_options o{};
    o.struct_size = sizeof o;
    o.inputs = 8;
    o.outputs = 5;
    o.weights = weights.data();
    change(o);
    dmoe_linear* linear = nullptr;
    const dmoe_status s = dmoe_linear_create(&o, &linear);
    EXPECT_EQ(linear, nullptr);
    return s;
  };
  EXPECT_EQ(status([](auto& o) { o.inputs = 0; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.outputs = -5; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.dtype = 7; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.format = 7; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& o) { o.weights = nullptr; }), DMOE_E_ARGUMENT);
  weights[8 * 3 + 2] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(status([](auto&) {}), DMOE_E_NOT_FINITE);
  EXPECT_NE(std::string(dmoe_last_error()).find("row 3"), std::string::npos) << dmoe_last_error();
}

}  // namespace
}  // namespace dmoe::test
