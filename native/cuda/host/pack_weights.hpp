// An expert's weights from the CPU's panels (engine/experts.hpp) to the device's layout
// (kernels/weights.hpp), value for value.
#ifndef DYNAMICMOE_CUDA_HOST_PACK_WEIGHTS_HPP_
#define DYNAMICMOE_CUDA_HOST_PACK_WEIGHTS_HPP_

#include <cstddef>
#include <cstdint>

#include "engine/experts.hpp"
#include "kernels/weights.hpp"

namespace dmoe::cuda {

/** The parts of one expert of a set on the device. */
ExpertLayout expert_layout(const Experts& experts);

/** Writes one panel: K = k inner elements of a dmoe_format, from the CPU's panel of the same columns. */
void pack_panel(int32_t format, int32_t k, const std::byte* from, std::byte* to);

/** Writes all expert_layout(experts).bytes of one expert, padding included, on the process' pool of threads.
 * The expert's weights must be set. */
void pack_weights(const Experts& experts, int32_t expert, std::byte* to);

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_PACK_WEIGHTS_HPP_
