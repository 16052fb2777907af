// Driver, devices and contexts.
#include <cstdio>
#include <cstring>

#include "cuda/driver/state.hpp"
#include "cuda/sim/engine.hpp"

namespace dmoe::cuda {

using simulated::call;
using simulated::Needs;
using simulated::State;

namespace {

struct Named {
  Result result;
  const char *name, *text;
};
constexpr Named kNames[] = {
    {kSuccess, "CUDA_SUCCESS", "no error"},
    {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidImage, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kNoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {kInvalidPtx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {kUnsupportedPtxVersion, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {kInvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {simulated::kIllegalState, "CUDA_ERROR_ILLEGAL_STATE",
     "the operation cannot be performed in the present state"},
    {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {kLaunchOutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {simulated::kContextIsDestroyed, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {simulated::kMisalignedAddress, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {kLaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {kStreamCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {kStreamCaptureInvalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
};

const Named* named(Result result) {
  for (const Named& it : kNames) {
    if (it.result == result) return &it;
  }
  return nullptr;
}

bool is_device(const State& all, DeviceId device) { return device >= 0 && device < all.settings.devices; }

}  // namespace

Result cuInit(unsigned flags) {
  return call("cuInit", Needs::kNothing, [&](State& all) -> Result {
    if (flags != 0) return kInvalidValue;
    if (all.settings.devices == 0) return kNoDevice;
    all.initialised = true;
    return kSuccess;
  });
}

Result cuDriverGetVersion(int* version) {
  return call("cuDriverGetVersion", Needs::kNothing, [&](State& all) -> Result {
    *version = all.settings.driver;
    return kSuccess;
  });
}

// Not in the trace: every failure asks for them.
Result cuGetErrorName(Result error, const char** name) {
  const Named* it = named(error);
  *name = it == nullptr ? nullptr : it->name;
  return it == nullptr ? kInvalidValue : kSuccess;
}
Result cuGetErrorString(Result error, const char** text) {
  const Named* it = named(error);
  *text = it == nullptr ? nullptr : it->text;
  return it == nullptr ? kInvalidValue : kSuccess;
}

Result cuDeviceGetCount(int* count) {
  return call("cuDeviceGetCount", Needs::kInit, [&](State& all) -> Result {
    *count = all.settings.devices;
    return kSuccess;
  });
}

Result cuDeviceGet(DeviceId* device, int ordinal) {
  return call("cuDeviceGet", Needs::kInit, [&](State& all) -> Result {
    if (!is_device(all, ordinal)) return kInvalidDevice;
    *device = ordinal;
    return kSuccess;
  });
}

Result cuDeviceGetName(char* name, int length, DeviceId device) {
  return call("cuDeviceGetName", Needs::kInit, [&](State& all) -> Result {
    if (!is_device(all, device)) return kInvalidDevice;
    std::snprintf(name, static_cast<size_t>(length), "Simulated device %d", device);
    return kSuccess;
  });
}

Result cuDeviceGetAttribute(int* value, int attribute, DeviceId device) {
  return call("cuDeviceGetAttribute", Needs::kInit, [&](State& all) -> Result {
    if (!is_device(all, device)) return kInvalidDevice;
    switch (attribute) {
      case kAttributeClockKilohertz:
        *value = 1000000;
        break;
      case kAttributeMultiprocessors:
        *value = all.settings.multiprocessors_of(device);
        break;
      case kAttributeComputeMode:
        *value = all.settings.compute_mode;
        break;
      case kAttributeMemoryClockKilohertz:
        *value = 1000000;
        break;
      case kAttributeMemoryBusBits:
        *value = 128;
        break;
      case kAttributeL2Bytes:
        *value = 4 << 20;
        break;
      case kAttributeCapabilityMajor:
        *value = all.settings.capability(device) / 10;
        break;
      case kAttributeCapabilityMinor:
        *value = all.settings.capability(device) % 10;
        break;
      case kAttributeSharedBytesOptIn:
        *value = static_cast<int>(sim::kMaxShared);
        break;
      case kAttributeMemoryPools:
        *value = all.settings.pools;
        break;
      default:
        return kInvalidValue;
    }
    return kSuccess;
  });
}

Result cuDeviceTotalMem_v2(std::size_t* bytes, DeviceId device) {
  return call("cuDeviceTotalMem_v2", Needs::kInit, [&](State& all) -> Result {
    if (!is_device(all, device)) return kInvalidDevice;
    *bytes = all.settings.memory;
    return kSuccess;
  });
}

Result cuDevicePrimaryCtxRetain(ContextHandle* context, DeviceId device) {
  return call("cuDevicePrimaryCtxRetain", Needs::kInit, [&](State& all) -> Result {
    if (!is_device(all, device)) return kInvalidDevice;
    auto& it = all.contexts[device];
    if (it == nullptr) it = std::make_shared<simulated::Context>();
    it->device = device;
    if (it->retained++ == 0) all.lost = 0;  // a new one
    *context = reinterpret_cast<ContextHandle>(it.get());
    return kSuccess;
  });
}

Result cuDevicePrimaryCtxRelease_v2(DeviceId device) {
  return call("cuDevicePrimaryCtxRelease_v2", Needs::kInit, [&](State& all) -> Result {
    const auto it = all.contexts.find(device);
    if (it == all.contexts.end() || it->second->retained == 0) return kInvalidContext;
    --it->second->retained;
    return kSuccess;
  });
}

namespace {

bool is_alive(const State& all, ContextHandle context) {
  for (const auto& [device, it] : all.contexts) {
    if (reinterpret_cast<ContextHandle>(it.get()) == context) return it->retained > 0;
  }
  return false;
}

}  // namespace

Result cuCtxPushCurrent_v2(ContextHandle context) {
  return call("cuCtxPushCurrent_v2", Needs::kInit, [&](State& all) -> Result {
    if (!is_alive(all, context)) return kInvalidContext;
    simulated::context_stack().push_back(context);
    return kSuccess;
  });
}

Result cuCtxPopCurrent_v2(ContextHandle* context) {
  return call("cuCtxPopCurrent_v2", Needs::kInit, [&](State&) -> Result {
    auto& stack = simulated::context_stack();
    if (stack.empty()) return kInvalidContext;
    if (context != nullptr) *context = stack.back();
    stack.pop_back();
    return kSuccess;
  });
}

Result cuCtxGetCurrent(ContextHandle* context) {
  return call("cuCtxGetCurrent", Needs::kInit, [&](State&) -> Result {
    const auto& stack = simulated::context_stack();
    *context = stack.empty() ? nullptr : stack.back();
    return kSuccess;
  });
}

Result cuCtxSetCurrent(ContextHandle context) {
  return call("cuCtxSetCurrent", Needs::kInit, [&](State& all) -> Result {
    if (context != nullptr && !is_alive(all, context)) return kInvalidContext;
    auto& stack = simulated::context_stack();
    if (!stack.empty()) stack.pop_back();
    if (context != nullptr) stack.push_back(context);
    return kSuccess;
  });
}

Result cuCtxGetDevice(DeviceId* device) {
  return call("cuCtxGetDevice", Needs::kContext, [&](State&) -> Result {
    *device = reinterpret_cast<simulated::Context*>(simulated::context_stack().back())->device;
    return kSuccess;
  });
}

Result cuCtxSynchronize() {
  return call("cuCtxSynchronize", Needs::kContext,
              [&](State& all) -> Result { return all.run_everything(); });
}

}  // namespace dmoe::cuda
