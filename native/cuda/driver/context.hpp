// A device's primary context: retained while the object lives, and made current for the length of a scope.
// Shared with whatever else in the process uses the device, so that addresses and streams of other libraries
// work here.
#ifndef DYNAMICMOE_CUDA_DRIVER_CONTEXT_HPP_
#define DYNAMICMOE_CUDA_DRIVER_CONTEXT_HPP_

#include <atomic>

#include "driver/library.hpp"

namespace dmoe::cuda {

class Context {
 public:
  /** Throws DMOE_E_BACKEND, DMOE_E_DEVICE_MEMORY. */
  Context(const Driver& driver, int index);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  const Api& api() const noexcept { return driver_.api; }
  DeviceId device() const noexcept { return device_; }

  /** Throws unless the result is success; remembers a failure that ends the context. @param operation what
   * failed */
  void check(Result result, const char* operation) const;
  /** Throws DMOE_E_BACKEND with the first such failure, if there was one: what follows would only repeat it.
   */
  void require_alive() const;

 private:
  friend class Current;

  const Driver& driver_;
  DeviceId device_ = 0;
  ContextHandle handle_ = nullptr;
  mutable std::atomic<Result> lost_{kSuccess};
};

/** Makes a context the calling thread's current one; the one before comes back at the end of the scope. */
class Current {
 public:
  /** Throws DMOE_E_BACKEND. */
  explicit Current(const Context& context);
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
  ~Current();

 private:
  const Context& context_;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_CONTEXT_HPP_
