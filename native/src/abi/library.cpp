// Exports about the library itself.
#include "abi/guard.hpp"
#include "core/calls.hpp"
#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "core/views.hpp"
#include "driver/devices.hpp"
#include "engine/cpu.hpp"

using namespace dmoe;

namespace {

constexpr uint32_t kAbiVersion = (uint32_t{DMOE_ABI_MAJOR} << 16) | uint32_t{DMOE_ABI_MINOR};

dmoe_runtime_info query() {
  const CpuInfo& cpu = cpu_info();
  dmoe_runtime_info info{};
  info.struct_size = sizeof info;
  info.abi_version = kAbiVersion;
  info.isa = resolve_isa(DMOE_ISA_AUTO);
  info.isa_supported = static_cast<int32_t>(cpu.isa_supported);
  info.logical_cpus = cpu.logical_cpus;
  info.physical_cores = cpu.physical_cores;
  info.pool_threads = pool_threads();
  info.cgroup_version = cpu.cgroup_version;
  info.cpu_quota = cpu.cpu_quota;
  info.l2_bytes = cpu.l2_bytes;
  info.l3_bytes = cpu.l3_bytes;
  info.allocated_bytes = allocated_bytes();
  info.allocation_count = allocation_count();
  info.library_version = DMOE_LIBRARY_VERSION;
  info.cpu_name = cpu.name;
  info.isa_reason = isa_reason();
  info.cuda_reason = cuda::cuda_reason();
  const CallCounts calls = call_counts();
  info.calls_running = calls.running;
  info.calls_waiting = calls.waiting;
  return info;
}

}  // namespace

uint32_t dmoe_abi_version(void) { return kAbiVersion; }

const char* dmoe_status_name(dmoe_status status) {
#define DMOE_NAME(name) \
  case name:            \
    return #name
  switch (status) {
    DMOE_NAME(DMOE_OK);
    DMOE_NAME(DMOE_E_ARGUMENT);
    DMOE_NAME(DMOE_E_SHAPE);
    DMOE_NAME(DMOE_E_NOT_FINITE);
    DMOE_NAME(DMOE_E_OPTIONS);
    DMOE_NAME(DMOE_E_STATE);
    DMOE_NAME(DMOE_E_BALANCE);
    DMOE_NAME(DMOE_E_OVERFLOW);
    DMOE_NAME(DMOE_E_NO_MEMORY);
    DMOE_NAME(DMOE_E_DEVICE_MEMORY);
    DMOE_NAME(DMOE_E_BACKEND);
    DMOE_NAME(DMOE_E_INTERNAL);
  }
#undef DMOE_NAME
  return "DMOE_E_UNKNOWN";
}

const char* dmoe_last_error(void) { return last_failure(); }

dmoe_status dmoe_runtime_query(dmoe_runtime_info* info) {
  return guard("runtime_query", [&] {
    read_struct(info, dmoe_runtime_info{}, "info");
    const dmoe_runtime_info answer = query();
    write_struct(&answer, info, sizeof answer);
  });
}

const char* dmoe_isa_name(dmoe_isa isa) { return isa_name(isa); }

dmoe_status dmoe_runtime_set_threads(int32_t threads) {
  return guard("runtime_set_threads", [&] {
    require_option(threads, 0, 1024, "threads");
    set_pool_threads(threads);
  });
}

int32_t dmoe_thread_limit(int32_t threads) {
  return threads >= 0 && threads <= 1024 ? set_thread_limit(threads) : thread_limit();
}
