// Exports: limits of the machine.
#include "abi/guard.hpp"
#include "core/status.hpp"
#include "core/views.hpp"
#include "engine/cpu.hpp"
#include "engine/machine_limits.hpp"

using namespace dmoe;

dmoe_status dmoe_machine_limits_measure(int32_t threads, int32_t isa, int32_t milliseconds, int64_t bytes,
                                        dmoe_machine_limits* limits) {
  return guard("machine_limits_measure", [&] {
    read_struct(limits, dmoe_machine_limits{}, "limits");
    require_option(threads, 0, 1024, "threads");
    require_option(milliseconds, 100, 60000, "milliseconds");
    DMOE_REQUIRE(bytes >= 0 && bytes <= kMostLimitsBytes && bytes % kLimitsStep == 0, DMOE_E_OPTIONS,
                 "bytes is %lld, must be a multiple of %lld within 0..%lld", static_cast<long long>(bytes),
                 static_cast<long long>(kLimitsStep), static_cast<long long>(kMostLimitsBytes));
    const dmoe_machine_limits measured = measure_machine_limits(threads, resolve_isa(isa), milliseconds,
                                                                bytes == 0 ? limits_read_bytes() : bytes);
    write_struct(&measured, limits, sizeof measured);
  });
}
