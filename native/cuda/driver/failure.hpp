// Results of the driver as failures of this library.
#ifndef DYNAMICMOE_CUDA_DRIVER_FAILURE_HPP_
#define DYNAMICMOE_CUDA_DRIVER_FAILURE_HPP_

#include "driver/api.hpp"

namespace dmoe::cuda {

/** "CUDA_ERROR_LAUNCH_FAILED (719): unspecified launch failure", in storage of its own. */
class ResultText {
 public:
  ResultText(const Api& api, Result result) noexcept;
  const char* c_str() const noexcept { return text_; }

 private:
  char text_[200];
};

/** Whether a context is of no use after this result: every later call gives it again. */
bool is_final(Result result) noexcept;

/** Throws unless the result is success: DMOE_E_DEVICE_MEMORY when the device ran out of it, else
 * DMOE_E_BACKEND.
 * @param operation what failed, for the text */
void check(const Api& api, Result result, const char* operation);

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_FAILURE_HPP_
