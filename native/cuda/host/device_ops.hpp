// Single operations on rows in device memory: scores and norms.
#ifndef DYNAMICMOE_CUDA_HOST_DEVICE_OPS_HPP_
#define DYNAMICMOE_CUDA_HOST_DEVICE_OPS_HPP_

#include "host/device.hpp"

namespace dmoe::cuda {

/** dmoe_device_score and dmoe_device_norm. @param stream nullptr: waits for the end
 * Throws DMOE_E_ARGUMENT, SHAPE, OPTIONS, DEVICE_MEMORY, BACKEND. */
void score(const Device& device, const dmoe_device_score_params& params, StreamHandle stream);
void norm(const Device& device, const dmoe_device_norm_params& params, StreamHandle stream);

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_DEVICE_OPS_HPP_
