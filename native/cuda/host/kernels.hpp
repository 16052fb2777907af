// The kernels of this build, compiled by a device's driver.
#ifndef DYNAMICMOE_CUDA_HOST_KERNELS_HPP_
#define DYNAMICMOE_CUDA_HOST_KERNELS_HPP_

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "driver/module.hpp"

namespace dmoe::cuda {

/** Every entry of every image. Immutable once made. Made and destroyed with the context current. */
class Kernels {
 public:
  /** Loads all images, so that one which the driver refuses is told before the first call. Throws
   * DMOE_E_BACKEND. */
  Kernels(const Context& context, const PtxImage* images, int count);

  /** Throws DMOE_E_BACKEND when no image has the entry. */
  FunctionHandle at(const char* entry) const;

 private:
  std::deque<Module> modules_;
  std::map<std::string, FunctionHandle, std::less<>> entries_;  // looked up without a string of its own
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_KERNELS_HPP_
