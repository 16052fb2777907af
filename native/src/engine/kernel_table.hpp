// Kernel choice: one table of function pointers per instruction-set level, filled once from the .inc lists.
#ifndef DYNAMICMOE_ENGINE_KERNEL_TABLE_HPP_
#define DYNAMICMOE_ENGINE_KERNEL_TABLE_HPP_

#include "dynamicmoe/dynamicmoe.h"
#include "engine/ops.hpp"

namespace dmoe {

/** One kernel per operation: the first of its list that the level includes. */
struct KernelTable {
  dmoe_isa isa;
#define DMOE_OP(op) op##_kernel* op;
#define DMOE_KERNEL(op, name, level)
#include "engine/kernels.inc"
#undef DMOE_OP
#undef DMOE_KERNEL
};

/** @return the table of a level that runs here (see resolve_isa). */
const KernelTable& kernel_table(dmoe_isa isa);

/** One line of a list. */
struct KernelInfo {
  const char* op;
  const char* name;
  dmoe_isa isa;
  bool runs_here;
};
/** Every line of every list, in list order. @param count [out] */
const KernelInfo* all_kernels(int* count);

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_KERNEL_TABLE_HPP_
