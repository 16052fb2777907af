// machine_limits: figures that hold together, at every level. Their size is a matter of the machine.
#include "engine/machine_limits.hpp"

#include <gtest/gtest.h>

#include "core/thread_pool.hpp"
#include "engine/cpu.hpp"
#include "support/levels.hpp"

namespace dmoe::test {
namespace {

constexpr int64_t kSmall = int64_t{4} << 20;  // a cache's speed is as good for what is tested here

void expect_coherent(const dmoe_machine_limits& m) {
  EXPECT_GT(m.f32_flops, 0);
  EXPECT_GT(m.bf16_flops, 0);
  EXPECT_GT(m.int8_ops, 0);
  const double table[2][3] = {{m.read_1_small, m.read_4_small, m.read_8_small},
                              {m.read_1_huge, m.read_4_huge, m.read_8_huge}};
  for (const auto& row : table) {
    for (double rate : row) {
      EXPECT_GT(rate, 0);
      EXPECT_LE(rate, m.read_bytes);
    }
  }
  ASSERT_TRUE(m.read_streams == 1 || m.read_streams == 4 || m.read_streams == 8) << m.read_streams;
  ASSERT_TRUE(m.read_huge_pages == 0 || m.read_huge_pages == 1) << m.read_huge_pages;
  EXPECT_EQ(table[m.read_huge_pages][m.read_streams == 1 ? 0 : m.read_streams / 4], m.read_bytes);
}

TEST(MachineLimits, Measure_AtEveryLevel_NamesTheBestOfItsTable) {
  for (dmoe_isa isa : levels()) {
    SCOPED_TRACE(isa_name(isa));
    const dmoe_machine_limits m = measure_machine_limits(1, isa, 100, kSmall);
    EXPECT_EQ(m.struct_size, sizeof m);
    EXPECT_EQ(m.threads, 1);
    expect_coherent(m);
  }
}

TEST(MachineLimits, Measure_WhenMoreThreadsAreAskedForThanThePoolHas_UsesThePools) {
  set_pool_threads(3);
  for (int threads : {0, 3, 64}) {
    const dmoe_machine_limits m = measure_machine_limits(threads, DMOE_ISA_SCALAR, 100, kSmall);
    EXPECT_EQ(m.threads, 3) << threads;
    expect_coherent(m);
  }
  EXPECT_EQ(measure_machine_limits(2, DMOE_ISA_SCALAR, 100, kSmall).threads, 2);
  set_pool_threads(0);
}

TEST(MachineLimits, ReadBytes_OnAnyMachine_AreWithinTheirRange) {
  const int64_t bytes = limits_read_bytes();
  EXPECT_GE(bytes, int64_t{256} << 20);
  EXPECT_LE(bytes, int64_t{1} << 30);
  EXPECT_EQ(bytes % (int64_t{2} << 20), 0);
  if (bytes < int64_t{1} << 30) EXPECT_GE(bytes, 8 * cpu_info().l3_bytes);
}

}  // namespace
}  // namespace dmoe::test
