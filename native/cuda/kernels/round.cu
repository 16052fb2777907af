// round: float rows to bfloat16, nearest even; NaN stays NaN. A thread writes 8 elements (16 bytes) at a
// time; columns from the matrix' last to the stride become zero. out is aligned to 16 bytes, its stride a
// multiple of 8. Exact: the nearest bfloat16.
#include "kernels/device.hpp"
#include "kernels/tasks.hpp"

namespace dmoe::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kElements = 8;

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads) dmoe_round_bf16(const RoundTask task) {
  const int64_t pieces = task.out_stride / kElements;
  const int64_t step = int64_t{gridDim.x} * kThreads;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < task.rows * pieces; i += step) {
    const int64_t row = i / pieces;
    const int64_t column = i % pieces * kElements;
    const float* in = task.in + row * task.in_stride + column;
    float value[kElements];
    if (column + kElements <= task.columns && reinterpret_cast<uint64_t>(in) % 16 == 0) {
      const float4 low = *reinterpret_cast<const float4*>(in);
      const float4 high = *reinterpret_cast<const float4*>(in + 4);
      value[0] = low.x, value[1] = low.y, value[2] = low.z, value[3] = low.w;
      value[4] = high.x, value[5] = high.y, value[6] = high.z, value[7] = high.w;
    } else {
#pragma unroll
      for (int c = 0; c < kElements; ++c) value[c] = column + c < task.columns ? in[c] : 0.0f;
    }
    *reinterpret_cast<uint4*>(task.out + row * task.out_stride + column) =
        uint4{cvt_bf16x2(value[0], value[1]), cvt_bf16x2(value[2], value[3]), cvt_bf16x2(value[4], value[5]),
              cvt_bf16x2(value[6], value[7])};
  }
}

}  // namespace dmoe::cuda
