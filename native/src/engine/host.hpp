// The part of CpuInfo that the operating system tells: affinity, cores, cgroup quota, caches.
#ifndef DYNAMICMOE_ENGINE_HOST_HPP_
#define DYNAMICMOE_ENGINE_HOST_HPP_

namespace dmoe {

struct CpuInfo;

/** Fills everything but the instruction sets and the name. What can't be read keeps its default. */
void read_host(CpuInfo* info);

/** @return cores granted by the quota that governs this process, 0 = none. Paths are parameters for tests.
 *  @param proc_cgroup text of /proc/self/cgroup's path @param root where cgroup file systems are mounted
 *  @param version [out] 0 = none found, 1 or 2 */
double read_cgroup_quota(const char* proc_cgroup, const char* root, int* version);

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_HOST_HPP_
