// combine: every kernel against double precision within the bound of combine.hpp.
#include "ops/combine/combine.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/cases/row_cases.hpp"
#include "support/kernel_lines.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

TEST(Combine, WhenSlotsAreUnused_SumsTheOthersInOrder) {
  const auto lines = kernel_lines<combine_kernel>("combine");
  ASSERT_FALSE(lines.empty());
  for (const CombineCase& c : combine_cases()) {
    std::vector<float> portable;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
      std::vector<float> out(static_cast<size_t>(c.tokens * c.columns), 5.0f);
      EXPECT_EQ(line->run({c.tokens, c.slots, c.columns, c.rows.data(), c.weights.data(), c.y.data(),
                           c.columns, out.data(), c.columns}),
                -1);
      if (portable.empty()) portable = out;
      EXPECT_TRUE(same_bits(out, portable)) << line->name;
      for (int64_t t = 0; t < c.tokens; ++t) {
        for (int64_t column = 0; column < c.columns; ++column) {
          double sum = 0, magnitude = 0;
          for (int64_t s = 0; s < c.slots; ++s) {
            const int32_t row = c.rows[static_cast<size_t>(t * c.slots + s)];
            if (row < 0) continue;
            const double term = static_cast<double>(c.weights[static_cast<size_t>(t * c.slots + s)]) *
                                static_cast<double>(c.y[static_cast<size_t>(row * c.columns + column)]);
            sum += term;
            magnitude += std::abs(term);
          }
          const double actual = static_cast<double>(out[static_cast<size_t>(t * c.columns + column)]);
          ASSERT_LE(std::abs(actual - sum), gamma(c.slots) * magnitude) << line->name;
        }
      }
    }
  }
}

TEST(Combine, WhenAResultIsNotFinite_NamesTheLowestToken) {
  for (const auto& line : kernel_lines<combine_kernel>("combine")) {
    for (int64_t columns : {3, 16, 33}) {
      std::vector<float> y(static_cast<size_t>(4 * columns), 1.0f);
      y[static_cast<size_t>(3 * columns - 1)] = std::numeric_limits<float>::infinity();
      y[static_cast<size_t>(3 * columns)] = std::numeric_limits<float>::quiet_NaN();
      const std::vector<int32_t> rows{0, 1, 2, 3};
      const std::vector<float> weights{1, 1, 1, 1};
      std::vector<float> out(y.size());
      EXPECT_EQ(
          line.run({4, 1, columns, rows.data(), weights.data(), y.data(), columns, out.data(), columns}), 2)
          << line.name;
    }
  }
}

}  // namespace
}  // namespace dmoe::test
