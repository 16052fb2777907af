// The test program. Ends with 77, which ctest reads as skipped, when DYNAMIC_MOE_ISA forces a level that this
// processor does not run; a test that fails ends it with 1 whatever it says.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "engine/cpu.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* forced = std::getenv("DYNAMIC_MOE_ISA");
  const int level = forced == nullptr ? -1 : dmoe::isa_from_name(forced);
  if (level > DMOE_ISA_AUTO && (dmoe::cpu_info().isa_supported & (1u << level)) == 0) {
    std::fprintf(stderr, "skipped: this processor does not run %s\n", forced);
    return 77;
  }
  return RUN_ALL_TESTS();
}
