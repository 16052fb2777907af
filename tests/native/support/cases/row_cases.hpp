// Rows of numbers for scores and norms, for every engine that computes them.
#ifndef DYNAMICMOE_TESTS_SUPPORT_CASES_ROW_CASES_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_CASES_ROW_CASES_HPP_

#include <vector>

#include "support/numbers.hpp"

namespace dmoe::test {

/** Rows of many lengths: normal, equal, and one that stands out. @param positive no value is below 0 */
inline std::vector<std::vector<float>> score_rows(float scale, bool positive) {
  Random random(11);
  std::vector<std::vector<float>> rows;
  for (int64_t n : {1, 2, 8, 15, 16, 17, 100, 1000, 4100}) {
    auto row = random.normals(n, scale);
    if (positive)
      for (float& v : row) v = std::abs(v);
    rows.push_back(row);
    rows.push_back(std::vector<float>(static_cast<size_t>(n), 0.125f));
    auto one_hot = std::vector<float>(static_cast<size_t>(n), 0.0f);
    one_hot[static_cast<size_t>(n / 2)] = 60.0f;
    rows.push_back(one_hot);
  }
  return rows;
}

/** Rows to be normalised, with weight and bias. */
struct NormCase {
  static constexpr float kEpsilon = 1e-5f;
  int64_t rows = 3;
  int64_t columns;
  std::vector<float> x, weight, bias;

  NormCase(Random& random, int64_t n)
      : columns(n), x(random.normals(3 * n)), weight(random.normals(n)), bias(random.normals(n)) {}
  double at(int64_t row, int64_t column) const {
    return static_cast<double>(x[static_cast<size_t>(row * columns + column)]);
  }
};
inline std::vector<NormCase> norm_cases() {
  Random random(9);
  std::vector<NormCase> cases;
  for (int64_t columns : {1, 5, 16, 31, 32, 100, 768, 12500}) cases.emplace_back(random, columns);
  return cases;
}

/** Rows of experts to be summed up: slots without a row, a token without any. */
struct CombineCase {
  int64_t tokens = 6;
  int64_t slots, columns;
  std::vector<float> y, weights;
  std::vector<int32_t> rows;

  CombineCase(Random& random, int64_t s, int64_t c)
      : slots(s), columns(c), y(random.normals(tokens * s * c)), weights(random.normals(tokens * s)) {
    for (int64_t i = 0; i < tokens * slots; ++i) {
      const bool unused = i < slots || random.below(3) == 0;  // token 0 has no route at all
      rows.push_back(unused ? -1 : static_cast<int32_t>(tokens * slots - 1 - i));
    }
    // The first used row's product is no sum with 0, which would turn -0 into +0.
    for (int64_t row = 0; row < tokens * slots; ++row) y[static_cast<size_t>(row * columns)] = -0.0f;
  }
};
inline std::vector<CombineCase> combine_cases() {
  Random random(8);
  std::vector<CombineCase> cases;
  for (int64_t columns : {1, 16, 17, 50})
    for (int64_t slots : {1, 2, 9}) cases.emplace_back(random, slots, columns);
  return cases;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_CASES_ROW_CASES_HPP_
