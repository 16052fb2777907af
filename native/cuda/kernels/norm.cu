// norm: RMS norm and layer norm of rows, as ops/norm has them.
// rms    y = x / sqrt(mean(x^2) + epsilon) * weight
// layer  y = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * weight + bias
//
// A block per row. All threads bring the row to shared memory (a row that does not fit is read where it is),
// 16 lanes of the first warp sum it up (lane = column mod 16, ascending, squares by fma, then the fold of the
// tree), all threads write. The bits of ops/norm; relative error of the root <= gamma(columns/16 + 10), each
// output has at most 3 more roundings.

// The language first: the rules ask for it.
// clang-format off
#include "kernels/device.hpp"
// clang-format on

#include "kernels/launch.hpp"
#include "kernels/warp.hpp"

extern __shared__ __align__(16) unsigned char dmoe_shared[];

namespace dmoe::cuda {
namespace {

// The row in shared memory, or where it is.
__device__ __forceinline__ const float* cached_row(const NormTask& task, const float* in) {
  if (launch_norm(task).shared == 0) return in;
  float* row = reinterpret_cast<float*>(dmoe_shared);
  const bool aligned = (reinterpret_cast<uint64_t>(in) & 15) == 0;
  const int fours = aligned ? task.columns / 4 : 0;
  for (int i = threadIdx.x; i < fours; i += kNormThreads) cp_async16(row + i * 4, in + i * 4, 16);
  cp_async_commit();
  for (int c = fours * 4 + threadIdx.x; c < task.columns; c += kNormThreads) row[c] = in[c];
  cp_async_wait<0>();
  __syncthreads();
  return row;
}

// Sum over the columns of add(sum, x), in every lane of the calling warp.
template <class Add>
__device__ __forceinline__ float sum_row(const float* x, int columns, Add add) {
  return tree_fold(columns, [=](float sum, int c) { return add(sum, x[c]); });
}

__device__ __forceinline__ float inverse_root(float sum_of_squares, int columns, float epsilon) {
  return 1.0f / sqrtf(sum_of_squares / static_cast<float>(columns) + epsilon);
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kNormThreads) dmoe_rms_norm(const NormTask task) {
  __shared__ float shared_scale;
  const int64_t at = blockIdx.x;
  const float* x = cached_row(task, task.in + at * task.in_stride);
  if (warp_id() == 0) {
    const float squares = sum_row(x, task.columns, [](float sum, float v) { return fmaf(v, v, sum); });
    if (lane_id() == 0) shared_scale = inverse_root(squares, task.columns, task.epsilon);
  }
  __syncthreads();
  const float scale = shared_scale;
  float* y = task.out + at * task.out_stride;
  for (int c = threadIdx.x; c < task.columns; c += kNormThreads) {
    const float v = x[c] * scale;
    y[c] = task.weight ? v * task.weight[c] : v;
  }
}

extern "C" __global__ void __launch_bounds__(kNormThreads) dmoe_layer_norm(const NormTask task) {
  __shared__ float shared_mean, shared_scale;
  const int64_t at = blockIdx.x;
  const float* x = cached_row(task, task.in + at * task.in_stride);
  if (warp_id() == 0) {
    const float sum = sum_row(x, task.columns, [](float s, float v) { return s + v; });
    const float mean = sum / static_cast<float>(task.columns);
    const float squares =
        sum_row(x, task.columns, [=](float s, float v) { return fmaf(v - mean, v - mean, s); });
    if (lane_id() == 0) {
      shared_mean = mean;
      shared_scale = inverse_root(squares, task.columns, task.epsilon);
    }
  }
  __syncthreads();
  const float mean = shared_mean, scale = shared_scale;
  float* y = task.out + at * task.out_stride;
  for (int c = threadIdx.x; c < task.columns; c += kNormThreads) {
    float v = (x[c] - mean) * scale;
    if (task.weight) v *= task.weight[c];
    if (task.bias) v += task.bias[c];
    y[c] = v;
  }
}

}  // namespace dmoe::cuda
