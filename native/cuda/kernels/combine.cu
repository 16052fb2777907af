// combine: out[t] = sum over slots, in order, of weight * row of y; then the shared experts, in order.
// in  rows, weights [T, slots], y [R, columns], shared_y [S * T, columns]    out out[T, columns]
// A block has one token and 512 of its columns, a thread 4 of them; y is read as float4 where it is aligned.
// The first used slot is a product, each further one an fma: the order and the rounding of ops/combine, hence
// equal bits from equal rows and weights. |out - exact| <= gamma(slots + S) * sum |w||y|. A token whose
// output is not finite goes to Failures::overflow.
//
// shared_gate: sigmoid(hidden . gate), half a warp per token: 16 running sums over the columns and a fixed
// fold, then the exp of core/simd_math.inl, the bits of ops/dense gate_rows. |error| <= gamma(D/16 + 6) * sum
// |x||g| / 4 + 2^-20.

// The language first: the rules ask for it.
// clang-format off
#include "kernels/device.hpp"
// clang-format on

#include "kernels/lane_math.hpp"
#include "kernels/launch.hpp"
#include "kernels/warp.hpp"

namespace dmoe::cuda {
namespace {

struct Sums {
  float value[kCombineColumns];
  bool first = true;
};

// sums += weight * y[0..count); `whole`: 4 columns, aligned.
__device__ __forceinline__ void add_row(Sums& sums, float weight, const float* y, int count, bool whole) {
  float row[kCombineColumns];
  if (whole) {
    const float4 four = *reinterpret_cast<const float4*>(y);
    row[0] = four.x, row[1] = four.y, row[2] = four.z, row[3] = four.w;
  } else {
#pragma unroll
    for (int i = 0; i < kCombineColumns; ++i) row[i] = i < count ? y[i] : 0.0f;
  }
#pragma unroll
  for (int i = 0; i < kCombineColumns; ++i)
    sums.value[i] = sums.first ? weight * row[i] : fmaf(weight, row[i], sums.value[i]);
  sums.first = false;
}

__device__ __forceinline__ bool rows_aligned(const void* data, int64_t stride) {
  return ((reinterpret_cast<uint64_t>(data) | static_cast<uint64_t>(stride * 4)) & 15) == 0;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kCombineThreads) dmoe_combine(const CombineTask task) {
  const int t = static_cast<int>(blockIdx.x);
  const int column = static_cast<int>(blockIdx.y * kCombineThreads + threadIdx.x) * kCombineColumns;
  if (column >= task.columns) return;
  const int count = smaller(kCombineColumns, task.columns - column);
  const bool full = count == kCombineColumns;
  Sums sums{};
  const bool y_whole = full && rows_aligned(task.y, task.y_stride);
  for (int s = 0; s < task.slots; ++s) {
    const int64_t slot = static_cast<int64_t>(t) * task.slots + s;
    const int row = task.rows[slot];
    if (row >= 0) add_row(sums, task.weights[slot], task.y + row * task.y_stride + column, count, y_whole);
  }
  const bool shared_whole = full && rows_aligned(task.shared_y, task.y_stride);
  float weight = 1.0f;
  if (task.shared > 0 && task.shared_weights) weight = task.shared_weights[t];
  for (int s = 0; s < task.shared; ++s)
    add_row(sums, weight,
            task.shared_y + (static_cast<int64_t>(s) * task.tokens + t) * task.y_stride + column, count,
            shared_whole);

  float* out = task.out + t * task.out_stride + column;
  if (full && rows_aligned(task.out, task.out_stride)) {
    *reinterpret_cast<float4*>(out) = {sums.value[0], sums.value[1], sums.value[2], sums.value[3]};
  } else {
#pragma unroll
    for (int i = 0; i < kCombineColumns; ++i)
      if (i < count) out[i] = sums.value[i];
  }
  bool finite = true;
#pragma unroll
  for (int i = 0; i < kCombineColumns; ++i) finite = finite && (i >= count || is_finite(sums.value[i]));
  if (!finite) atomicMin(&task.failures->overflow, t);
}

extern "C" __global__ void __launch_bounds__(kCombineThreads) dmoe_shared_gate(const SharedGateTask task) {
  const int lane = lane_id() % DMOE_TREE_LANES;
  const int64_t token =
      static_cast<int64_t>(blockIdx.x) * (kCombineThreads / DMOE_TREE_LANES) + threadIdx.x / DMOE_TREE_LANES;
  const bool exists = token < task.tokens;  // all lanes take part in the fold
  float sum = 0.0f;
  if (exists) {
    const float* x = task.hidden + token * task.hidden_stride;
#pragma unroll 8
    for (int c = lane; c < task.hidden_size; c += DMOE_TREE_LANES) sum = fmaf(x[c], task.gate[c], sum);
  }
  sum = fold_halves(sum);
  if (exists && lane == 0) task.weights[token] = gated(1.0f, sum);
}

}  // namespace dmoe::cuda
