#include "driver/context.hpp"

#include "core/status.hpp"
#include "driver/failure.hpp"

namespace dmoe::cuda {

Context::Context(const Driver& driver, int index) : driver_(driver) {
  cuda::check(api(), api().cuDeviceGet(&device_, index), "cuDeviceGet");
  cuda::check(api(), api().cuDevicePrimaryCtxRetain(&handle_, device_), "cuDevicePrimaryCtxRetain");
}

Context::~Context() { api().cuDevicePrimaryCtxRelease_v2(device_); }

void Context::check(Result result, const char* operation) const {
  if (result == kSuccess) [[likely]]
    return;
  Result none = kSuccess;
  if (is_final(result)) lost_.compare_exchange_strong(none, result);
  cuda::check(api(), result, operation);
}

void Context::require_alive() const {
  const Result lost = lost_.load(std::memory_order_relaxed);
  DMOE_REQUIRE(lost == kSuccess, DMOE_E_BACKEND, "the device is lost since an earlier call ended in %s",
               ResultText(api(), lost).c_str());
}

Current::Current(const Context& context) : context_(context) {
  context.check(context.api().cuCtxPushCurrent_v2(context.handle_), "cuCtxPushCurrent");
}

Current::~Current() {
  ContextHandle before = nullptr;
  context_.api().cuCtxPopCurrent_v2(&before);
}

}  // namespace dmoe::cuda
