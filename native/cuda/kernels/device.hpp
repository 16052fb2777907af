// The CUDA language for the kernels, without a toolkit: clang's own builtins, what nvcc brings, or the simulator of the tests.
// Include it first: the rules (core/rules) ask for __host__ and __device__.
#ifndef DYNAMICMOE_CUDA_KERNELS_DEVICE_HPP_
#define DYNAMICMOE_CUDA_KERNELS_DEVICE_HPP_

#if defined(DMOE_HOST_SIM)
#include "cuda/sim/language.hpp"
#elif defined(__clang__) && defined(__CUDA__)
#include "kernels/clang_language.hpp"
#endif  // nvcc and NVRTC bring their own

#include "kernels/instructions.hpp"

#endif  // DYNAMICMOE_CUDA_KERNELS_DEVICE_HPP_
