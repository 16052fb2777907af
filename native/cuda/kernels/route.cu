// route: hidden states, or logits, -> experts and weights of each token, in one kernel.
// in  hidden [T, D] or logits [T, E]    out ids, weights, gaps [T, slots], counts, scores [T], logits [T, E];
// E <= 512, any D
//
// dmoe_route   a block computes the logits of 4 to 32 tokens (gate_gemm.hpp); they stay in shared memory,
// where a warp per token decides (decide.hpp). With few tokens blocks share the experts, and the last decides
//              (gate_slices.hpp)
// dmoe_decide  the same decision from logits in global memory, a warp per token
//
// All outputs have the bits of the CPU's router: one accumulator per logit with k ascending, 16-lane tree
// sums for totals, the rules of core/rules for everything that decides; no approximate instruction takes
// part. A token with a logit that is not finite goes to Failures::not_finite, one with fewer than min_experts
// usable experts to Failures::unbalanced; its slots are then unused.

// The language first: the rules ask for it.
// clang-format off
#include "kernels/device.hpp"
// clang-format on

#include "kernels/decide.hpp"
#include "kernels/gate_gemm.hpp"
#include "kernels/gate_slices.hpp"

extern __shared__ __align__(16) unsigned char dmoe_shared[];

namespace dmoe::cuda {
namespace {

// The warp's part of shared memory behind the logits.
__device__ __forceinline__ TokenRow token_row(const RouteShape& shape) {
  unsigned char* own = dmoe_shared + shape.logits + warp_id() * (shape.groups + shape.mass + shape.order);
  TokenRow row{};
  row.groups = reinterpret_cast<uint64_t*>(own);
  row.mass = reinterpret_cast<float*>(own + shape.groups);
  row.order = reinterpret_cast<uint16_t*>(own + shape.groups + shape.mass);
  return row;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kRouteThreads, 3) dmoe_route(const RouteTask task) {
  const RouteShape shape = route_shape(task);
  const int first = static_cast<int>(blockIdx.x) * shape.tokens;
  float* logits = reinterpret_cast<float*>(dmoe_shared);
  const int slice = static_cast<int>(blockIdx.y);
  unsigned char* const stages = dmoe_shared + shape.logits;
  gate_gemm(task, shape, first, slice, logits, reinterpret_cast<float*>(stages));
  if (shape.slices > 1 && !gather_slices(task, shape, first, slice, logits, reinterpret_cast<int*>(stages)))
    return;
  if (warp_id() >= shape.tokens) return;
  TokenRow row = token_row(shape);
  const int last = smaller(shape.tokens, task.tokens - first);
  for (int t = warp_id(); t < last; t += kRouteWarps) {
    row.logits = logits + t * task.padded_experts;
    decide_token(task, row, first + t);
    __syncwarp();
  }
}

extern "C" __global__ void __launch_bounds__(kRouteThreads) dmoe_decide(const RouteTask task) {
  const RouteShape shape = decide_shape(task);
  const int token = static_cast<int>(blockIdx.x) * shape.tokens + warp_id();
  if (token >= task.tokens) return;
  TokenRow row = token_row(shape);
  row.logits = reinterpret_cast<float*>(dmoe_shared) + warp_id() * task.padded_experts;
  for (int e = lane_id(); e < task.experts; e += kWarp)
    row.logits[e] = task.logits[token * task.logits_stride + e];
  decide_token(task, row, token);
}

}  // namespace dmoe::cuda
