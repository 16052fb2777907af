// The stand-ins of core/unwind.cpp are linked in, so that the library does not ask the C library for theirs.
#include <gtest/gtest.h>

#include <cstdlib>

extern "C" unsigned long __isoc23_strtoul(const char* text, char** end, int base) noexcept;

namespace dmoe {
namespace {

TEST(Unwind, Strtoul_OfAnyBase_ReadsTheNumberAndItsEnd) {
  const struct {
    const char* text;
    int base;
    unsigned long value;
    char rest;
  } cases[] = {{"4096:", 10, 4096, ':'}, {"0x10", 0, 16, '\0'}, {"017", 0, 15, '\0'}, {"x", 10, 0, 'x'}};
  for (const auto& c : cases) {
    char* end = nullptr;
    EXPECT_EQ(__isoc23_strtoul(c.text, &end, c.base), c.value) << c.text;
    EXPECT_EQ(*end, c.rest) << c.text;
  }
}

}  // namespace
}  // namespace dmoe
