// norm: every kernel against double precision within the bound of norm.hpp, and the same bits at every level.
#include "ops/norm/norm.hpp"

#include <gtest/gtest.h>

#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

constexpr float kEpsilon = 1e-5f;

struct NormCase {
  int64_t rows = 3;
  int64_t columns;
  std::vector<float> x, weight, bias;

  NormCase(Random& random, int64_t n)
      : columns(n), x(random.normals(3 * n)), weight(random.normals(n)), bias(random.normals(n)) {}

  std::vector<float> run(norm_rms_kernel* kernel, bool affine) const {
    std::vector<float> y(x.size());
    kernel({x.data(), columns, rows, columns, affine ? weight.data() : nullptr,
            affine ? bias.data() : nullptr, kEpsilon, y.data(), columns});
    return y;
  }
  double at(int64_t row, int64_t column) const {
    return static_cast<double>(x[static_cast<size_t>(row * columns + column)]);
  }
};

void check_norm(const char* op, bool centred) {
  const auto lines = kernel_lines<norm_rms_kernel>(op);
  ASSERT_FALSE(lines.empty());
  Random random(9);
  for (int64_t columns : {1, 5, 16, 31, 32, 100, 768}) {
    const NormCase c(random, columns);
    for (bool affine : {false, true}) {
      const std::vector<float> portable = c.run(lines.back().run, affine);
      for (const auto& line : lines) {
        const std::vector<float> y = c.run(line.run, affine);
        EXPECT_TRUE(same_bits(y, portable)) << line.name;
        std::vector<float> in_place = c.x;
        line.run({in_place.data(), columns, c.rows, columns, affine ? c.weight.data() : nullptr,
                  affine ? c.bias.data() : nullptr, kEpsilon, in_place.data(), columns});
        EXPECT_TRUE(same_bits(in_place, y)) << line.name << " in place";
        for (int64_t r = 0; r < c.rows; ++r) {
          const double n = static_cast<double>(columns);
          double mean = 0, magnitude = 0, squares = 0;
          for (int64_t i = 0; i < columns; ++i) {
            mean += c.at(r, i) / n;
            magnitude += std::abs(c.at(r, i)) / n;
          }
          if (!centred) mean = 0;
          for (int64_t i = 0; i < columns; ++i) squares += (c.at(r, i) - mean) * (c.at(r, i) - mean);
          const double root = std::sqrt(squares / n + static_cast<double>(kEpsilon));
          const int64_t steps = columns / 16 + 6;
          const double off_mean = centred ? gamma(steps + 1) * magnitude : 0;  // error of the mean
          for (int64_t i = 0; i < columns; ++i) {
            const double w = affine ? static_cast<double>(c.weight[static_cast<size_t>(i)]) : 1;
            const double b = affine && centred ? static_cast<double>(c.bias[static_cast<size_t>(i)]) : 0;
            const double plain = (c.at(r, i) - mean) / root * w;
            const double bound = gamma(2 * steps + 10) * (std::abs(plain) + std::abs(b)) +
                                 3 * off_mean / root * std::abs(w) * (1 + std::abs(c.at(r, i) - mean) / root);
            const double actual = static_cast<double>(y[static_cast<size_t>(r * columns + i)]);
            ASSERT_LE(std::abs(actual - (plain + b)), bound)
                << line.name << " columns " << columns << " at " << i;
          }
        }
      }
    }
  }
}

TEST(NormRms, WhenAnyWidth_IsWithinItsBoundAndTheSameAtEveryLevel) { check_norm("norm_rms", false); }
TEST(NormLayer, WhenAnyWidth_IsWithinItsBoundAndTheSameAtEveryLevel) { check_norm("norm_layer", true); }

}  // namespace
}  // namespace dmoe::test
