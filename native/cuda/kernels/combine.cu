// combine: out[t] = sum over slots, in order, of weight * row of y; then the shared experts, in order.
// One thread per column. The order and the rounding are those of the CPU's kernels (ops/combine), so that equal rows and weights
// give equal bits.
#include "kernels/device.hpp"

#include "kernels/tasks.hpp"

namespace dmoe::cuda {
namespace {

constexpr int kThreads = 256;

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads) dmoe_combine(const CombineTask task) {
  const int t = blockIdx.y;
  const int c = blockIdx.x * kThreads + threadIdx.x;
  if (c >= task.columns) return;
  float sum = 0.0f;
  bool first = true;
  for (int s = 0; s < task.slots; ++s) {
    const int64_t at = static_cast<int64_t>(t) * task.slots + s;
    const int row = task.rows[at];
    if (row < 0) continue;
    const float y = task.y[row * task.y_stride + c];
    sum = first ? task.weights[at] * y : fmaf(task.weights[at], y, sum);
    first = false;
  }
  for (int s = 0; s < task.shared; ++s) {
    const float weight = task.shared_weights ? task.shared_weights[t] : 1.0f;
    const float y = task.shared_y[(static_cast<int64_t>(s) * task.tokens + t) * task.y_stride + c];
    sum = first ? weight * y : fmaf(weight, y, sum);
    first = false;
  }
  task.out[t * task.out_stride + c] = sum;
  if (!(fabsf(sum) <= 3.402823466e38f)) atomicMin(&task.failures->overflow, t);
}

}  // namespace dmoe::cuda
