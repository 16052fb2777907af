// Exports: limits of the machine.
#include "abi/guard.hpp"
#include "core/views.hpp"
#include "engine/cpu.hpp"
#include "engine/machine_limits.hpp"

using namespace dmoe;

dmoe_status dmoe_machine_limits_measure(int32_t threads, int32_t isa, int32_t milliseconds,
                                        dmoe_machine_limits* limits) {
  return guard("machine_limits_measure", [&] {
    read_struct(limits, dmoe_machine_limits{}, "limits");
    require_option(threads, 0, 1024, "threads");
    require_option(milliseconds, 100, 60000, "milliseconds");
    const dmoe_machine_limits measured =
        measure_machine_limits(threads, resolve_isa(isa), milliseconds, limits_read_bytes());
    write_struct(&measured, limits, sizeof measured);
  });
}
