// CUDA's built-in types, as far as the kernels and the launches of the tests use them.
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_TYPES_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_TYPES_HPP_

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  unsigned x, y, z;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_TYPES_HPP_
