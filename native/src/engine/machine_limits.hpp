// Measures what the machine does at most with the pool's threads: operations per second of each format's
// product instruction, and bytes read per second from memory.
//
// The clock is read here, where nothing else in the core takes time: a pass lasts a few milliseconds on the
// pool's threads, and a caller's clock around an exported call would time the waking of threads and the
// mapping of memory too.
#ifndef DYNAMICMOE_ENGINE_MACHINE_LIMITS_HPP_
#define DYNAMICMOE_ENGINE_MACHINE_LIMITS_HPP_

#include <cstdint>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

constexpr int64_t kLimitsStep = int64_t{2} << 20;  // a huge page: memory to read is a multiple of it
constexpr int64_t kMostLimitsBytes = int64_t{1} << 30;

/** @return bytes of memory to read: eight times the level-3 cache, within 256 MiB..1 GiB, a multiple of 2
 * MiB. */
int64_t limits_read_bytes();

/** See dmoe_machine_limits_measure; arguments are in range and the level runs here. Throws std::bad_alloc.
 *  @param bytes of memory to read, a multiple of 2 MiB; what fits a cache is read from there */
dmoe_machine_limits measure_machine_limits(int32_t threads, dmoe_isa isa, int32_t milliseconds,
                                           int64_t bytes);

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_MACHINE_LIMITS_HPP_
