// Exports about the library itself.
#include "abi/guard.hpp"
#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "core/views.hpp"
#include "engine/cpu.hpp"

using namespace dmoe;

uint32_t dmoe_abi_version(void) { return (uint32_t{DMOE_ABI_MAJOR} << 16) | uint32_t{DMOE_ABI_MINOR}; }

const char* dmoe_last_error(void) { return last_failure(); }

const char* dmoe_isa_name(dmoe_isa isa) { return isa_name(isa); }
