// Equality of floats bit by bit: unlike ==, it tells -0 from 0 and takes a NaN for itself.
#ifndef DYNAMICMOE_TESTS_SUPPORT_SAME_BITS_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_SAME_BITS_HPP_

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace dmoe::test {

inline bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

/** @return success, or the first element that differs. */
inline testing::AssertionResult same_bits(const float* a, const float* b, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (!same_bits(a[i], b[i]))
      return testing::AssertionFailure() << "element " << i << " is " << a[i] << " and " << b[i];
  return testing::AssertionSuccess();
}
inline testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size())
    return testing::AssertionFailure() << a.size() << " and " << b.size() << " elements";
  return same_bits(a.data(), b.data(), a.size());
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_SAME_BITS_HPP_
