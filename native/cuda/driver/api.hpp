// The part of the CUDA driver's interface that this library uses, declared here so that a build needs neither
// headers nor libraries of NVIDIA. Names, types and values are those of cuda.h; the exported names carry its
// version suffixes.
//
// DMOE_CUDA_DRIVER_API lists every function once: X(exported name, parameters). The loader resolves the list,
// the simulated driver of the tests implements it.
#ifndef DYNAMICMOE_CUDA_DRIVER_API_HPP_
#define DYNAMICMOE_CUDA_DRIVER_API_HPP_

#include <cstddef>
#include <cstdint>

namespace dmoe::cuda {

/** CUresult. */
using Result = int;
/** CUdevice. */
using DeviceId = int;
/** CUdeviceptr. */
using DevicePointer = unsigned long long;

using ContextHandle = struct CudaContext*;      // CUcontext
using ModuleHandle = struct CudaModule*;        // CUmodule
using FunctionHandle = struct CudaFunction*;    // CUfunction
using StreamHandle = struct CudaStream*;        // CUstream
using EventHandle = struct CudaEvent*;          // CUevent
using PoolHandle = struct CudaPool*;            // CUmemoryPool
using GraphHandle = struct CudaGraph*;          // CUgraph
using GraphExecHandle = struct CudaGraphExec*;  // CUgraphExec

/** CUmemPoolProps. */
struct PoolProperties {
  int allocation_type;  // kAllocationPinned
  int handle_types;     // 0 = not shared with other processes
  int location_type;    // kLocationDevice
  int location_id;      // the device
  void* security_attributes;
  unsigned char reserved[64];
};
static_assert(sizeof(PoolProperties) == 88);

// CUresult: those that are told apart.
inline constexpr Result kSuccess = 0;
inline constexpr Result kInvalidValue = 1;
inline constexpr Result kOutOfMemory = 2;
inline constexpr Result kNotInitialized = 3;
inline constexpr Result kNoDevice = 100;
inline constexpr Result kInvalidDevice = 101;
inline constexpr Result kInvalidImage = 200;
inline constexpr Result kInvalidContext = 201;
inline constexpr Result kNoBinaryForGpu = 209;
inline constexpr Result kInvalidPtx = 218;
inline constexpr Result kUnsupportedPtxVersion = 222;
inline constexpr Result kInvalidHandle = 400;
inline constexpr Result kNotFound = 500;
inline constexpr Result kNotReady = 600;
inline constexpr Result kIllegalAddress = 700;
inline constexpr Result kLaunchOutOfResources = 701;
inline constexpr Result kLaunchFailed = 719;
inline constexpr Result kStreamCaptureUnsupported = 900;
inline constexpr Result kStreamCaptureInvalidated = 901;

// CUdevice_attribute.
inline constexpr int kAttributeClockKilohertz = 13;
inline constexpr int kAttributeMultiprocessors = 16;
inline constexpr int kAttributeComputeMode = 20;
inline constexpr int kAttributeMemoryClockKilohertz = 36;
inline constexpr int kAttributeMemoryBusBits = 37;
inline constexpr int kAttributeL2Bytes = 38;
inline constexpr int kAttributeCapabilityMajor = 75;
inline constexpr int kAttributeCapabilityMinor = 76;
inline constexpr int kAttributeSharedBytesOptIn = 97;
inline constexpr int kAttributeMemoryPools = 115;

inline constexpr int kComputeModeProhibited = 2;       // CUcomputemode
inline constexpr int kFunctionDynamicSharedBytes = 8;  // CUfunction_attribute
inline constexpr int kJitErrorLogBuffer = 5;           // CUjit_option
inline constexpr int kJitErrorLogBytes = 6;        // CUjit_option; in: size of the buffer, out: bytes written
inline constexpr unsigned kStreamNonBlocking = 1;  // CUstream_flags
inline constexpr unsigned kEventBlockingSync = 1;  // CUevent_flags
inline constexpr unsigned kEventDisableTiming = 2;  // CUevent_flags
inline constexpr unsigned kHostAllocDefault = 0;    // CU_MEMHOSTALLOC_*
inline constexpr int kAllocationPinned = 1;         // CUmemAllocationType
inline constexpr int kLocationDevice = 1;           // CUmemLocationType
inline constexpr int kPoolReleaseThreshold = 4;     // CUmemPool_attribute, uint64
inline constexpr int kPoolReservedBytes = 5;        // CUmemPool_attribute, uint64
inline constexpr int kPoolUsedBytes = 7;            // CUmemPool_attribute, uint64
inline constexpr int kCaptureThreadLocal = 1;       // CUstreamCaptureMode
inline constexpr int kCaptureNone = 0;              // CUstreamCaptureStatus

}  // namespace dmoe::cuda

#define DMOE_CUDA_DRIVER_API(X)                                                                           \
  /* driver and devices */                                                                                \
  X(cuInit, (unsigned flags))                                                                             \
  X(cuDriverGetVersion, (int* version))                                                                   \
  X(cuGetErrorName, (Result error, const char** name))                                                    \
  X(cuGetErrorString, (Result error, const char** text))                                                  \
  X(cuDeviceGetCount, (int* count))                                                                       \
  X(cuDeviceGet, (DeviceId * device, int ordinal))                                                        \
  X(cuDeviceGetName, (char* name, int length, DeviceId device))                                           \
  X(cuDeviceGetAttribute, (int* value, int attribute, DeviceId device))                                   \
  X(cuDeviceTotalMem_v2, (std::size_t * bytes, DeviceId device))                                          \
  /* contexts */                                                                                          \
  X(cuDevicePrimaryCtxRetain, (ContextHandle * context, DeviceId device))                                 \
  X(cuDevicePrimaryCtxRelease_v2, (DeviceId device))                                                      \
  X(cuCtxPushCurrent_v2, (ContextHandle context))                                                         \
  X(cuCtxPopCurrent_v2, (ContextHandle * context))                                                        \
  X(cuCtxSynchronize, ())                                                                                 \
  /* modules and kernels */                                                                               \
  X(cuModuleLoadDataEx,                                                                                   \
    (ModuleHandle * module, const void* image, unsigned option_count, int* options, void** values))       \
  X(cuModuleUnload, (ModuleHandle module))                                                                \
  X(cuModuleGetFunction, (FunctionHandle * function, ModuleHandle module, const char* name))              \
  X(cuFuncSetAttribute, (FunctionHandle function, int attribute, int value))                              \
  X(cuOccupancyMaxActiveBlocksPerMultiprocessor,                                                          \
    (int* blocks, FunctionHandle function, int block_size, std::size_t dynamic_shared_bytes))             \
  X(cuLaunchKernel, (FunctionHandle function, unsigned grid_x, unsigned grid_y, unsigned grid_z,          \
                     unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,         \
                     StreamHandle stream, void** parameters, void** extra))                               \
  /* memory */                                                                                            \
  X(cuMemGetInfo_v2, (std::size_t * free_bytes, std::size_t * total_bytes))                               \
  X(cuMemHostAlloc, (void** memory, std::size_t bytes, unsigned flags))                                   \
  X(cuMemFreeHost, (void* memory))                                                                        \
  X(cuMemPoolCreate, (PoolHandle * pool, const PoolProperties* properties))                               \
  X(cuMemPoolDestroy, (PoolHandle pool))                                                                  \
  X(cuMemPoolSetAttribute, (PoolHandle pool, int attribute, void* value))                                 \
  X(cuMemPoolGetAttribute, (PoolHandle pool, int attribute, void* value))                                 \
  X(cuMemPoolTrimTo, (PoolHandle pool, std::size_t bytes_to_keep))                                        \
  X(cuMemAllocFromPoolAsync,                                                                              \
    (DevicePointer * memory, std::size_t bytes, PoolHandle pool, StreamHandle stream))                    \
  X(cuMemFreeAsync, (DevicePointer memory, StreamHandle stream))                                          \
  X(cuMemcpyHtoDAsync_v2, (DevicePointer to, const void* from, std::size_t bytes, StreamHandle stream))   \
  X(cuMemcpyDtoHAsync_v2, (void* to, DevicePointer from, std::size_t bytes, StreamHandle stream))         \
  X(cuMemcpyDtoDAsync_v2, (DevicePointer to, DevicePointer from, std::size_t bytes, StreamHandle stream)) \
  X(cuMemsetD32Async, (DevicePointer to, unsigned value, std::size_t words, StreamHandle stream))         \
  /* streams and events */                                                                                \
  X(cuStreamCreate, (StreamHandle * stream, unsigned flags))                                              \
  X(cuStreamDestroy_v2, (StreamHandle stream))                                                            \
  X(cuStreamSynchronize, (StreamHandle stream))                                                           \
  X(cuStreamQuery, (StreamHandle stream))                                                                 \
  X(cuStreamWaitEvent, (StreamHandle stream, EventHandle event, unsigned flags))                          \
  X(cuStreamIsCapturing, (StreamHandle stream, int* status))                                              \
  X(cuEventCreate, (EventHandle * event, unsigned flags))                                                 \
  X(cuEventDestroy_v2, (EventHandle event))                                                               \
  X(cuEventRecord, (EventHandle event, StreamHandle stream))                                              \
  X(cuEventQuery, (EventHandle event))                                                                    \
  X(cuEventSynchronize, (EventHandle event))                                                              \
  /* graphs */                                                                                            \
  X(cuStreamBeginCapture_v2, (StreamHandle stream, int mode))                                             \
  X(cuStreamEndCapture, (StreamHandle stream, GraphHandle * graph))                                       \
  X(cuGraphInstantiateWithFlags,                                                                          \
    (GraphExecHandle * executable, GraphHandle graph, unsigned long long flags))                          \
  X(cuGraphLaunch, (GraphExecHandle executable, StreamHandle stream))                                     \
  X(cuGraphExecDestroy, (GraphExecHandle executable))                                                     \
  X(cuGraphDestroy, (GraphHandle graph))

namespace dmoe::cuda {

/** Every function of the list, as pointers; all set in an Api that the loader has filled. */
struct Api {
#define DMOE_CUDA_MEMBER(name, parameters) Result(*name) parameters = nullptr;
  DMOE_CUDA_DRIVER_API(DMOE_CUDA_MEMBER)
#undef DMOE_CUDA_MEMBER
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_API_HPP_
