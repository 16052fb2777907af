// norm: every kernel against double precision within the bound of norm.hpp, and the same bits at every level.
#include "ops/norm/norm.hpp"

#include <gtest/gtest.h>

#include "support/cases/row_cases.hpp"
#include "support/kernel_lines.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

constexpr float kEpsilon = NormCase::kEpsilon;

std::vector<float> run(const NormCase& c, norm_rms_kernel* kernel, bool affine) {
  std::vector<float> y(c.x.size());
  kernel({c.x.data(), c.columns, c.rows, c.columns, affine ? c.weight.data() : nullptr,
          affine ? c.bias.data() : nullptr, kEpsilon, y.data(), c.columns});
  return y;
}

void check_norm(const char* op, bool centred) {
  const auto lines = kernel_lines<norm_rms_kernel>(op);
  ASSERT_FALSE(lines.empty());
  for (const NormCase& c : norm_cases()) {
    const int64_t columns = c.columns;
    for (bool affine : {false, true}) {
      const std::vector<float> portable = run(c, lines.back().run, affine);
      for (const auto& line : lines) {
        const std::vector<float> y = run(c, line.run, affine);
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
