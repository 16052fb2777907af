// What this machine offers: instruction sets, cores that this process may use, cgroup quota, cache sizes.
#ifndef DYNAMICMOE_ENGINE_CPU_HPP_
#define DYNAMICMOE_ENGINE_CPU_HPP_

#include <cstdint>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

/** Read once, when first asked for. */
struct CpuInfo {
  uint32_t isa_supported = 0;  // bit (1 << dmoe_isa)
  dmoe_isa best = DMOE_ISA_SCALAR;
  int logical_cpus = 1;
  int physical_cores = 1;
  int cgroup_version = 0;
  double cpu_quota = 0;  // cores, 0 = no limit
  int64_t l2_bytes = 0;
  int64_t l3_bytes = 0;
  char name[64] = "unknown";
};
const CpuInfo& cpu_info();
/** @return threads, and calls at a time, that suit such a machine: its cores, or the quota rounded up when
 * that is less. */
int suitable_threads(const CpuInfo& info) noexcept;

/** @return the level in force for a dmoe_isa given by a caller. AUTO follows DYNAMIC_MOE_ISA, else the best
 * one. Throws DMOE_E_OPTIONS for an unknown value and DMOE_E_BACKEND for a level that does not run here. */
dmoe_isa resolve_isa(int32_t requested);
/** @return why AUTO means what it means, static storage. Throws as resolve_isa. */
const char* isa_reason();
/** @return the level's name as DYNAMIC_MOE_ISA spells it, "unknown" for other values. */
const char* isa_name(int32_t isa) noexcept;
/** @return the level of that name, or -1. */
int isa_from_name(const char* name) noexcept;
/** @return whether kernels of `kernel` may be used by objects of level `object`. */
bool isa_includes(dmoe_isa object, dmoe_isa kernel) noexcept;

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_CPU_HPP_
