// dense: every kernel against double precision within the bound of dense.hpp, and bit for bit against itself.
#include "ops/dense/dense.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/kernel_lines.hpp"
#include "support/packed.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

struct Shape {
  int64_t inputs;
  int64_t outputs;
  int64_t rows;
};
const Shape kShapes[] = {{1, 1, 1},     {3, 17, 2},     {15, 33, 3},     {64, 32, 7},
                         {129, 160, 1}, {257, 100, 66}, {1500, 65, 130}, {2100, 33, 26}};

void check_dense(const char* op, int32_t format) {
  const auto lines = kernel_lines<dense_f32_kernel>(op);
  ASSERT_FALSE(lines.empty());
  Random random(5);
  for (const Shape& shape : kShapes) {
    const InputRows x(random, shape.rows, shape.inputs, format);
    const PackedWeights w(random, shape.outputs, shape.inputs, format);
    const int64_t panels = panels_for(shape.outputs);
    std::vector<float> bias = random.normals(panels * 32);
    const int64_t stride = shape.outputs + 3;  // what lies between rows must stay as it is
    const auto run = [&](dense_f32_kernel* kernel, int64_t first, int64_t count, bool from_memory = false) {
      std::vector<float> y(static_cast<size_t>(count * stride), 77.0f);
      kernel({{x.pointers.data() + first, count, shape.inputs, w.panels.data(), panels, y.data(), stride,
               from_memory},
              shape.outputs,
              bias.data()});
      return y;
    };
    const std::vector<float> portable = run(lines.back().run, 0, shape.rows);
    for (const auto& line : lines) {
      const std::vector<float> y = run(line.run, 0, shape.rows);
      EXPECT_TRUE(same_bits(run(line.run, 0, shape.rows, true), y)) << line.name << " from memory";
      for (int64_t r = 0; r < shape.rows; ++r) {
        for (int64_t n = 0; n < stride; ++n) {
          const double actual = static_cast<double>(y[static_cast<size_t>(r * stride + n)]);
          if (n >= shape.outputs) {
            ASSERT_EQ(actual, 77.0) << line.name << " wrote past column " << shape.outputs;
            continue;
          }
          const ExactDot e = exact_dot(x, r, w, n, static_cast<double>(bias[static_cast<size_t>(n)]));
          ASSERT_LE(std::abs(actual - e.sum), product_bound(shape.inputs, e.magnitude)) << line.name;
        }
      }
      if (line.isa != DMOE_ISA_AVX512BF16) {
        EXPECT_TRUE(same_bits(y, portable)) << line.name;
      }
      const std::vector<float> alone = run(line.run, shape.rows - 1, 1);
      EXPECT_TRUE(same_bits(alone.data(), y.data() + (shape.rows - 1) * stride, alone.size())) << line.name;
    }
  }
}

TEST(Dense, F32_WhenAnyShape_IsWithinItsBoundAndTheSameAtEveryLevel) {
  check_dense("dense_f32", DMOE_FORMAT_F32);
}
TEST(Dense, Bf16_WhenAnyShape_IsWithinItsBound) { check_dense("dense_bf16", DMOE_FORMAT_BF16); }

TEST(RoundRows, WhenAnyWidth_RoundsToNearestEvenAndPadsWithZeros) {
  Random random(3);
  const float cases[] = {1.0f,  1.00390625f, 1.01171875f,
                         -3.0f, 1e-40f,      std::numeric_limits<float>::max(),
                         1e30f, -1e-39f,     std::numeric_limits<float>::infinity()};
  for (const auto& line : kernel_lines<round_rows_kernel>("round_rows")) {
    for (int64_t columns : {1, 9, 16, 17, 40}) {
      const int64_t stride = 64;
      std::vector<float> x = random.normals(3 * columns);
      for (size_t i = 0; i < x.size() && i < 9; ++i) x[i] = cases[i];
      std::vector<uint16_t> y(3 * 64, 9);
      line.run({{x.data(), 3, columns, columns}, y.data(), stride});
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t c = 0; c < stride; ++c) {
          const uint16_t expected =
              c < columns ? to_bf16(x[static_cast<size_t>(r * columns + c)]) : uint16_t{0};
          ASSERT_EQ(y[static_cast<size_t>(r * stride + c)], expected)
              << line.name << " row " << r << " column " << c;
        }
      }
    }
  }
}

TEST(RoundRows, WhenAValueIsNaN_StaysNaN) {
  for (const auto& line : kernel_lines<round_rows_kernel>("round_rows")) {
    for (uint32_t bits : {0x7fffffffu, 0xffffffffu, 0x7fc00000u, 0xffc00001u, 0x7fff8000u}) {
      std::vector<float> x(16, 1.0f);
      std::memcpy(&x[5], &bits, sizeof bits);
      uint16_t y[16];
      line.run({{x.data(), 1, 16, 16}, y, 16});
      EXPECT_TRUE(std::isnan(from_bf16(y[5]))) << line.name << " " << bits;
      EXPECT_EQ(y[4], 0x3f80);
    }
  }
}

TEST(QuantiseRows, WhenAnyWidth_GivesTheBlocksThatQuantHppStates) {
  Random random(8);
  for (const auto& line : kernel_lines<quantise_rows_kernel>("quantise_rows")) {
    for (int64_t columns : {1, 15, 16, 17, 31, 32, 33, 100}) {
      for (int32_t format : {DMOE_FORMAT_Q8, DMOE_FORMAT_Q4}) {
        const std::vector<float> x = random.normals(3 * columns);
        const InputRows expected(x, 3, columns, format);
        const int64_t blocks = quant_blocks(columns);
        std::vector<QuantBlock> y(static_cast<size_t>(3 * blocks));
        line.run({{x.data(), 3, columns, columns},
                  y.data(),
                  blocks,
                  format == DMOE_FORMAT_Q8 ? kQ8Offset : kQ4Offset});
        EXPECT_EQ(std::memcmp(y.data(), expected.blocks.data(), y.size() * sizeof(QuantBlock)), 0)
            << line.name << " columns " << columns;
      }
    }
  }
}

TEST(QuantiseRows, WhenABlockIsNotFiniteOrTiny_MarksIt) {
  for (const auto& line : kernel_lines<quantise_rows_kernel>("quantise_rows")) {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      for (size_t at : {size_t{0}, size_t{15}, size_t{31}}) {
        std::vector<float> x(64, 1.0f);
        x[at] = bad;
        QuantBlock y[2];
        line.run({{x.data(), 1, 64, 64}, y, 2, kQ8Offset});
        EXPECT_TRUE(std::isnan(y[0].scale)) << line.name;
        EXPECT_EQ(y[1].scale, 1.0f / 127.0f);
      }
    }
    std::vector<float> x(32, 1e-37f);
    QuantBlock y;
    line.run({{x.data(), 1, 32, 32}, &y, 1, kQ8Offset});
    EXPECT_EQ(y.scale, 0.0f);
    EXPECT_EQ(y.correction, 0);
    x[3] = std::numeric_limits<float>::max();
    line.run({{x.data(), 1, 32, 32}, &y, 1, kQ8Offset});
    EXPECT_EQ(y.value[3], 127);
    EXPECT_EQ(y.correction, -127 * kQ8Offset);
  }
}

TEST(FiniteRows, WhenAValueIsNotFinite_NamesTheLowestRow) {
  Random random(4);
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       -std::numeric_limits<float>::infinity()};
  for (const auto& line : kernel_lines<finite_rows_kernel>("finite_rows")) {
    for (int64_t columns : {1, 15, 16, 33}) {
      std::vector<float> x = random.normals(5 * columns);
      x[0] = std::numeric_limits<float>::max();
      const Rows rows{x.data(), 5, columns, columns};
      EXPECT_EQ(line.run(rows), 5) << line.name;
      for (float value : bad) {
        std::vector<float> broken = x;
        broken[static_cast<size_t>(4 * columns - 1)] = value;
        broken[static_cast<size_t>(4 * columns)] = value;
        EXPECT_EQ(line.run({broken.data(), 5, columns, columns}), 3) << line.name << " columns " << columns;
      }
    }
  }
}

TEST(GateRows, WhenAnyWidth_IsTheSigmoidOfTheDotAndTheSameAtEveryLevel) {
  Random random(6);
  const auto lines = kernel_lines<gate_rows_kernel>("gate_rows");
  for (int64_t columns : {1, 15, 16, 33, 300}) {
    const std::vector<float> x = random.normals(4 * columns, 0.3f);
    const std::vector<float> gate = random.normals(columns);
    std::vector<float> portable(4);
    lines.back().run({{x.data(), 4, columns, columns}, gate.data(), portable.data()});
    for (const auto& line : lines) {
      std::vector<float> y(4);
      line.run({{x.data(), 4, columns, columns}, gate.data(), y.data()});
      EXPECT_TRUE(same_bits(y, portable)) << line.name;
      for (size_t r = 0; r < 4; ++r) {
        double sum = 0, magnitude = 0;
        for (size_t c = 0; c < static_cast<size_t>(columns); ++c) {
          const double term =
              static_cast<double>(x[r * static_cast<size_t>(columns) + c]) * static_cast<double>(gate[c]);
          sum += term;
          magnitude += std::abs(term);
        }
        const double bound = gamma(columns / 16 + 6) * magnitude / 4 + 0x1p-20;
        EXPECT_NEAR(static_cast<double>(y[r]), 1 / (1 + std::exp(-sum)), bound) << line.name;
      }
    }
  }
}

}  // namespace
}  // namespace dmoe::test
