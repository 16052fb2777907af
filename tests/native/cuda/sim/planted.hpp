// A fault planted in a kernel's source without compiling it anew: DMOE_CUDA_SOURCE_FAULT =
// "<what>:<file>:<n>" takes away the n-th place of that file, counted from 0 in the order in which threads
// first come to them, that is a "barrier" (__syncthreads), a "syncwarp" or a "wait" (cp_async_wait lets one
// group more be under way).
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_PLANTED_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_PLANTED_HPP_

#include "cuda/sim/engine.hpp"

namespace dmoe::sim {

/** Whether the place is taken away. */
bool planted(const char* what, Site site);

}  // namespace dmoe::sim

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_PLANTED_HPP_
