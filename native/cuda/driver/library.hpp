// The driver's library: found, loaded once and kept. Nothing else of this folder knows a path.
#ifndef DYNAMICMOE_CUDA_DRIVER_LIBRARY_HPP_
#define DYNAMICMOE_CUDA_DRIVER_LIBRARY_HPP_

#include "driver/api.hpp"

namespace dmoe::cuda {

/** A loaded driver that has been initialised. Lives as long as the process: a driver has threads of its own,
 * so that unloading it is not safe. */
struct Driver {
  Api api;
  /** CUDA version of the driver, 1000 major + 10 minor. Throws DMOE_E_BACKEND. */
  int version() const;
};

/** CUDA 11.4, the first with cuGraphInstantiateWithFlags; memory pools and PTX 7.0 are older. */
inline constexpr int kOldestDriver = 11040;

/** @param path nullptr = what DYNAMIC_MOE_CUDA_DRIVER names, else libcuda.so.1. Later calls with the same
 * path cost a look-up. Throws DMOE_E_BACKEND "unavailable, because ..." when there is no driver, or one that
 * is too old or finds no device. */
const Driver& load_driver(const char* path);

/** @return the text in storage that is never freed; equal texts share it. Throws std::bad_alloc. */
const char* keep_text(const char* text);

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_LIBRARY_HPP_
