// machine: what the export refuses and how it writes its struct. The figures: engine/machine_limits_test.cpp.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "dynamicmoe/dynamicmoe.h"

namespace {

constexpr double kUntouched = -7;
constexpr int64_t kSmall = int64_t{4} << 20;  // a cache's speed is as good for what is tested here

dmoe_machine_limits untouched() {
  dmoe_machine_limits m{};
  m.struct_size = sizeof m;
  m.f32_flops = m.read_bytes = m.read_8_huge = kUntouched;
  return m;
}

TEST(Machine, Measure_WhenAnArgumentIsOutOfRange_NamesItAndWritesNothing) {
  constexpr int32_t kLowest = std::numeric_limits<int32_t>::min();
  constexpr int32_t kHighest = std::numeric_limits<int32_t>::max();
  dmoe_machine_limits m = untouched();
  const auto refuses = [&](int32_t threads, int32_t isa, int32_t milliseconds, const std::string& text,
                           int64_t bytes = kSmall) {
    EXPECT_EQ(dmoe_machine_limits_measure(threads, isa, milliseconds, bytes, &m), DMOE_E_OPTIONS);
    EXPECT_NE(std::string(dmoe_last_error()).find(text), std::string::npos) << dmoe_last_error();
  };
  for (int32_t threads : {kLowest, -1, 1025, kHighest})
    refuses(threads, DMOE_ISA_AUTO, 100,
            "threads is " + std::to_string(threads) + ", must be within 0..1024");
  for (int32_t milliseconds : {kLowest, -1, 0, 99, 60001, kHighest})
    refuses(1, DMOE_ISA_AUTO, milliseconds,
            "milliseconds is " + std::to_string(milliseconds) + ", must be within 100..60000");
  for (int32_t isa : {kLowest, -1, DMOE_ISA_NEON + 1, kHighest})
    refuses(1, isa, 100, "isa is " + std::to_string(isa));
  for (int64_t bytes : {std::numeric_limits<int64_t>::min(), int64_t{-1}, int64_t{1}, kSmall + 1,
                        (int64_t{1} << 30) + (int64_t{2} << 20), std::numeric_limits<int64_t>::max()})
    refuses(1, DMOE_ISA_AUTO, 100,
            "bytes is " + std::to_string(bytes) + ", must be a multiple of 2097152 within 0..1073741824",
            bytes);
  EXPECT_EQ(m.f32_flops, kUntouched);
  EXPECT_EQ(m.read_bytes, kUntouched);
  EXPECT_EQ(dmoe_machine_limits_measure(1, DMOE_ISA_AUTO, 100, kSmall, nullptr), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "machine_limits_measure: limits is NULL");
  m.struct_size = 3;
  EXPECT_EQ(dmoe_machine_limits_measure(1, DMOE_ISA_AUTO, 100, kSmall, &m), DMOE_E_ARGUMENT);
}

TEST(Machine, Measure_WhenALevelDoesNotRunHere_IsRefused) {
  dmoe_runtime_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(dmoe_runtime_query(&info), DMOE_OK);
  dmoe_machine_limits m = untouched();
  for (int32_t isa = DMOE_ISA_SCALAR; isa <= DMOE_ISA_NEON; ++isa) {
    if ((info.isa_supported & (1 << isa)) != 0) continue;
    EXPECT_EQ(dmoe_machine_limits_measure(1, isa, 100, kSmall, &m), DMOE_E_BACKEND);
    EXPECT_EQ(m.f32_flops, kUntouched);
  }
}

TEST(Machine, Measure_FromAnOlderCaller_WritesNothingBeyondItsStruct) {
  dmoe_machine_limits m = untouched();
  m.struct_size = offsetof(dmoe_machine_limits, read_8_huge);
  ASSERT_EQ(dmoe_machine_limits_measure(0, DMOE_ISA_AUTO, 100, kSmall, &m), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(m.struct_size, offsetof(dmoe_machine_limits, read_8_huge));
  EXPECT_GT(m.f32_flops, 0);
  EXPECT_GT(m.read_4_huge, 0);
  EXPECT_EQ(m.read_8_huge, kUntouched);
  dmoe_runtime_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(dmoe_runtime_query(&info), DMOE_OK);
  EXPECT_EQ(m.threads, info.pool_threads);
}

}  // namespace
