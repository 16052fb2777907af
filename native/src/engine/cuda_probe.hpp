// What there is of CUDA on this machine; the answer is one sentence for dmoe_runtime_info.cuda_reason.
#ifndef DYNAMICMOE_ENGINE_CUDA_PROBE_HPP_
#define DYNAMICMOE_ENGINE_CUDA_PROBE_HPP_

namespace dmoe {

/** Asks the driver once. @return a sentence in static storage */
const char* cuda_reason() noexcept;

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_CUDA_PROBE_HPP_
