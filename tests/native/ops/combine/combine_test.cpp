// combine: every kernel against double precision within the bound of combine.hpp.
#include "ops/combine/combine.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

TEST(Combine, WhenSlotsAreUnused_SumsTheOthersInOrder) {
  Random random(8);
  const auto lines = kernel_lines<combine_kernel>("combine");
  ASSERT_FALSE(lines.empty());
  for (int64_t columns : {1, 16, 17, 50}) {
    for (int64_t slots : {1, 2, 9}) {
      const int64_t tokens = 6;
      const std::vector<float> y = random.normals(tokens * slots * columns);
      const std::vector<float> weights = random.normals(tokens * slots);
      std::vector<int32_t> rows;
      for (int64_t i = 0; i < tokens * slots; ++i) {
        const bool unused = i < slots || random.below(3) == 0;  // token 0 has no route at all
        rows.push_back(unused ? -1 : static_cast<int32_t>(tokens * slots - 1 - i));
      }
      std::vector<float> portable;
      for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        std::vector<float> out(static_cast<size_t>(tokens * columns), 5.0f);
        EXPECT_EQ(line->run({tokens, slots, columns, rows.data(), weights.data(), y.data(), columns,
                             out.data(), columns}),
                  -1);
        if (portable.empty()) portable = out;
        EXPECT_TRUE(same_bits(out, portable)) << line->name;
        for (int64_t t = 0; t < tokens; ++t) {
          for (int64_t c = 0; c < columns; ++c) {
            double sum = 0, magnitude = 0;
            for (int64_t s = 0; s < slots; ++s) {
              const int32_t row = rows[static_cast<size_t>(t * slots + s)];
              if (row < 0) continue;
              const double term = static_cast<double>(weights[static_cast<size_t>(t * slots + s)]) *
                                  static_cast<double>(y[static_cast<size_t>(row * columns + c)]);
              sum += term;
              magnitude += std::abs(term);
            }
            const double actual = static_cast<double>(out[static_cast<size_t>(t * columns + c)]);
            ASSERT_LE(std::abs(actual - sum), gamma(slots) * magnitude) << line->name;
          }
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
