// Shapes on which the experts' products are tested, on every engine.
#ifndef DYNAMICMOE_TESTS_SUPPORT_CASES_EXPERT_CASES_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_CASES_EXPERT_CASES_HPP_

#include <cstdint>

namespace dmoe::test {

/** Rows of one expert. */
struct ExpertShape {
  int64_t hidden;
  int64_t width;
  int64_t rows;
};
/** No dimension fits a vector, a panel, a block or a tile. */
inline constexpr ExpertShape kExpertShapes[] = {{1, 1, 1},   {7, 17, 2},     {16, 33, 3},  {33, 16, 7},
                                                {64, 48, 1}, {200, 100, 13}, {1100, 40, 9}};
/** 2100 is more than one block of k of every CPU format; 26 rows are three tiles at AVX-512, not all equal.
 */
inline constexpr ExpertShape kLongExpertShapes[] = {{2100, 40, 26}, {40, 2100, 26}};

/** Routed experts: k of `experts` for each token. */
struct RoutedShape {
  int32_t hidden;
  int32_t width;
  int32_t experts;
  int32_t k;
};
inline constexpr RoutedShape kRoutedShapes[] = {
    {1, 1, 1, 1}, {17, 33, 3, 2}, {33, 17, 60, 4}, {64, 48, 8, 8}, {100, 31, 5, 1}};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_CASES_EXPERT_CASES_HPP_
