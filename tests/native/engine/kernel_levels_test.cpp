// Every kernel by name. The tests of an operation run the kernels of the levels that this machine has; here
// the others show as skipped, so that a run on a lesser processor does not pass for a full one.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "engine/cpu.hpp"
#include "engine/kernel_table.hpp"
#include "engine/ops.hpp"

namespace dmoe::test {
namespace {

struct Kernel {
  const char* name;
  dmoe_isa isa;
  bool (*chosen)(const KernelTable& table);
};
void PrintTo(const Kernel& kernel, std::ostream* out) { *out << kernel.name; }

std::vector<Kernel> kernels() {
  return {
#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) \
  DMOE_HERE(level, {#name, level, [](const KernelTable& table) { return table.op == &name; }}, )
#include "engine/kernels.inc"
#undef DMOE_OP
#undef DMOE_KERNEL
  };
}

class KernelLevel : public testing::TestWithParam<Kernel> {};

TEST_P(KernelLevel, Kernel_OnItsLevel_IsChosen) {
  const Kernel& kernel = GetParam();
  if ((cpu_info().isa_supported & (1u << kernel.isa)) == 0)
    GTEST_SKIP() << "needs a processor with " << isa_name(kernel.isa);
  EXPECT_TRUE(kernel.chosen(kernel_table(kernel.isa)));
}

INSTANTIATE_TEST_SUITE_P(All, KernelLevel, testing::ValuesIn(kernels()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace dmoe::test
