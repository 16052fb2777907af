#include "engine/kernel_table.hpp"

#include "engine/cpu.hpp"

namespace dmoe {
namespace {

constexpr int kLevels = DMOE_ISA_NEON + 1;

KernelTable make_table(dmoe_isa isa) {
  KernelTable table{};
  table.isa = isa;
#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) \
  DMOE_HERE(level, if (table.op == nullptr && isa_includes(isa, level)) table.op = &name;)
#include "engine/kernels.inc"
#undef DMOE_OP
#undef DMOE_KERNEL
  return table;
}

struct Tables {
  KernelTable level[kLevels];
  Tables() {
    for (int i = 0; i < kLevels; ++i) level[i] = make_table(static_cast<dmoe_isa>(i));
  }
};

}  // namespace

const KernelTable& kernel_table(dmoe_isa isa) {
  static const Tables tables;
  return tables.level[isa];
}

const KernelInfo* all_kernels(int* count) {
  static const uint32_t supported = cpu_info().isa_supported;
  static const KernelInfo kernels[] = {
#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) DMOE_HERE(level, {#op, #name, level, (supported & (1u << level)) != 0}, )
#include "engine/kernels.inc"
#undef DMOE_OP
#undef DMOE_KERNEL
  };
  *count = static_cast<int>(sizeof kernels / sizeof kernels[0]);
  return kernels;
}

}  // namespace dmoe
