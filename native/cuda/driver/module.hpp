// Kernels: PTX that the driver compiles for its device.
#ifndef DYNAMICMOE_CUDA_DRIVER_MODULE_HPP_
#define DYNAMICMOE_CUDA_DRIVER_MODULE_HPP_

#include "driver/context.hpp"

namespace dmoe::cuda {

/** Text of one .ptx file, ended by a NUL. */
struct PtxImage {
  const char* name;  // of the source file, without its ending
  const char* text;
};

/** A loaded module. Made and destroyed with the context current. */
class Module {
 public:
  /** Throws DMOE_E_BACKEND "unavailable, because ..." with what the driver's compiler has to say. */
  Module(const Context& context, const PtxImage& image);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module();

  /** Throws DMOE_E_BACKEND when the module has no such entry. */
  FunctionHandle function(const char* entry) const;

 private:
  const Context& context_;
  const char* name_;
  ModuleHandle handle_ = nullptr;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_MODULE_HPP_
