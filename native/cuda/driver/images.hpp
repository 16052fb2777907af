// The PTX that this build carries: one image per kernels/*.cu. Written by cmake/EmbedPtx.cmake.
#ifndef DYNAMICMOE_CUDA_DRIVER_IMAGES_HPP_
#define DYNAMICMOE_CUDA_DRIVER_IMAGES_HPP_

#include "driver/module.hpp"

namespace dmoe::cuda {

extern const PtxImage kImages[];
extern const int kImageCount;

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_IMAGES_HPP_
