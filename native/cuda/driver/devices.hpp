// The devices of a driver, and which of them is the best.
#ifndef DYNAMICMOE_CUDA_DRIVER_DEVICES_HPP_
#define DYNAMICMOE_CUDA_DRIVER_DEVICES_HPP_

#include <vector>

#include "driver/library.hpp"
#include "dynamicmoe/dynamicmoe.h"

namespace dmoe::cuda {

/** Oldest compute capability that the kernels are made for: bfloat16 on tensor cores, cp.async. */
inline constexpr int kOldestCapability = 80;

/** Every device, in the driver's order; `usable` and `reason` are set. Throws DMOE_E_BACKEND, std::bad_alloc.
 */
std::vector<dmoe_device_info> list_devices(const Driver& driver);

/** @param index the driver's number, or -1 = the best usable device: by bandwidth of its memory, then
 * capability, multiprocessors and memory. @param ask_for_free_memory among equal ones, which makes a context
 * on each for a moment. Throws DMOE_E_OPTIONS (no such index), DMOE_E_BACKEND "unavailable, because ..." (the
 * device, or every device, is not usable). */
dmoe_device_info choose_device(const Driver& driver, int index, bool ask_for_free_memory = true);

/** One sentence on what there is of CUDA here, for dmoe_runtime_info.cuda_reason: that of the default driver,
 * asked once.
 * @return static storage */
const char* cuda_reason() noexcept;

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_DEVICES_HPP_
