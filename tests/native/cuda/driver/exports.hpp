// What the simulated libcuda.so.1 exports: all that the library loads (native/cuda/driver/api.hpp), some more
// for those who bring streams and memory of their own, and functions of the tests.
#ifndef DYNAMICMOE_TESTS_CUDA_DRIVER_EXPORTS_HPP_
#define DYNAMICMOE_TESTS_CUDA_DRIVER_EXPORTS_HPP_

#include "driver/api.hpp"

#define DMOE_SIMULATED_EXTRA_API(X)                                                                   \
  X(cuCtxGetCurrent, (ContextHandle * context))                                                       \
  X(cuCtxSetCurrent, (ContextHandle context))                                                         \
  X(cuCtxGetDevice, (DeviceId * device))                                                              \
  X(cuDeviceGetDefaultMemPool, (PoolHandle * pool, DeviceId device))                                  \
  X(cuMemAlloc_v2, (DevicePointer * memory, std::size_t bytes))                                       \
  X(cuMemFree_v2, (DevicePointer memory))                                                             \
  X(cuMemAllocAsync, (DevicePointer * memory, std::size_t bytes, StreamHandle stream))                \
  X(cuMemcpyHtoD_v2, (DevicePointer to, const void* from, std::size_t bytes))                         \
  X(cuMemcpyDtoH_v2, (void* to, DevicePointer from, std::size_t bytes))                               \
  X(cuMemsetD8Async, (DevicePointer to, unsigned char value, std::size_t bytes, StreamHandle stream)) \
  X(cuPointerGetAttribute, (void* value, int attribute, DevicePointer pointer))                       \
  X(cuLaunchHostFunc, (StreamHandle stream, void (*function)(void*), void* data))                     \
  X(cuEventElapsedTime, (float* milliseconds, EventHandle start, EventHandle end))

extern "C" {
// The driver's state is one; these take its lock. Texts live until the next call of the same function.
#define DMOE_SIMULATED __attribute__((visibility("default")))
/** A new machine of these settings (settings.hpp); nothing of the old one is left but that cuInit was called.
 * 0 when the text is wrong. */
DMOE_SIMULATED int dmoe_simulated_reset(const char* settings);
/** Faults from now on, beside those there are: `fail` and `break` of settings.hpp. 0 when the text is wrong. */
DMOE_SIMULATED int dmoe_simulated_add(const char* faults);
/** Calls so far, one name a line; work that failed has a line of its own with the reason. */
DMOE_SIMULATED const char* dmoe_simulated_trace();
/** How often that function was called, or that kernel run. */
DMOE_SIMULATED long dmoe_simulated_count(const char* name);
/** What is there and was not given back, "" for nothing: "contexts 1; streams 2; ...". */
DMOE_SIMULATED const char* dmoe_simulated_live();
/** Works in the streams that nothing has waited for. */
DMOE_SIMULATED long dmoe_simulated_pending();
}

namespace dmoe::cuda {

/** Every function, as pointers. */
struct FullApi : Api {
#define DMOE_SIMULATED_MEMBER(name, parameters) Result(*name) parameters = nullptr;
  DMOE_SIMULATED_EXTRA_API(DMOE_SIMULATED_MEMBER)
#undef DMOE_SIMULATED_MEMBER
};

extern "C" {
#define DMOE_SIMULATED_DECLARE(name, parameters) DMOE_SIMULATED Result name parameters;
DMOE_CUDA_DRIVER_API(DMOE_SIMULATED_DECLARE)
DMOE_SIMULATED_EXTRA_API(DMOE_SIMULATED_DECLARE)
#undef DMOE_SIMULATED_DECLARE
}
}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_TESTS_CUDA_DRIVER_EXPORTS_HPP_
