// Launches an entry of a module on the simulator's fibers.
#ifndef DYNAMICMOE_TESTS_CUDA_PTX_RUN_HPP_
#define DYNAMICMOE_TESTS_CUDA_PTX_RUN_HPP_

#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/module.hpp"

namespace dmoe::ptx {

/** `parameters` = the entry's parameter_bytes. Throws a LaunchError, as does what a device refuses: more
 * threads than .maxntid, more shared memory than a block can have. A null check lets the kernel touch what
 * the process may. */
void launch(const Entry& entry, dim3 grid, dim3 block, size_t dynamic_shared, const void* parameters,
            uint32_t seed, GlobalMemory global);

}  // namespace dmoe::ptx

#endif  // DYNAMICMOE_TESTS_CUDA_PTX_RUN_HPP_
