// score: one complexity figure per row, the bits of ops/score.
// in  data [rows, columns]    out scores [rows]
//   l2         sqrt(sum x^2), squares summed in double; infinite where it exceeds float (Failures::overflow)
//   margin     p(2)/p(1) of softmax or sigmoid of the row
//   entropy    of softmax(row / temperature), in nats or over ln(columns)
//   attention  entropy in nats of (x / max)^(1 / temperature) normalised; a value below 0 goes to
//   Failures::negative heads      attention's figures over ln(visible keys), as mean (in double), max or min
//   over the heads of a token
// Errors: ops/score/score.hpp. A block per row; a row that is not finite goes to Failures::not_finite and
// gets no score of use.
//
// Sums have 16 lanes, element i in lane i % 16, ascending: they cannot be split further. So all threads
// compute the terms of a tile into shared memory, and 16 lanes of the first warp (32 where there are two
// sums) add them up, while nothing is computed twice.

// The language first: the rules ask for it.
// clang-format off
#include "kernels/device.hpp"
// clang-format on

#include "dynamicmoe/dynamicmoe.h"
#include "kernels/launch.hpp"
#include "kernels/warp.hpp"

namespace dmoe::cuda {
namespace {

constexpr int kTile = 2048;
constexpr int kWarps = kScoreThreads / kWarp;

// What every thread of the block knows of a row.
struct RowFacts {
  TwoLargest largest;
  bool finite, negative;
};

__device__ __forceinline__ const float* row_of(const ScoreTask& task) {
  return task.data + blockIdx.x * task.stride;
}

__device__ __forceinline__ RowFacts look_at_row(const ScoreTask& task) {
  __shared__ TwoLargest largest[kWarps];
  const float* x = row_of(task);
  TwoLargest mine = nothing_taken();
  bool bad = false, below = false;
#pragma unroll 4
  for (int c = threadIdx.x; c < task.columns; c += kScoreThreads) {
    const float v = x[c];
    take(mine, v);
    bad = bad || !is_finite(v);
    below = below || v < 0.0f;
  }
  const TwoLargest warp = warp_two_largest(mine);
  if (lane_id() == 0) largest[warp_id()] = warp;
  RowFacts facts{};
  facts.finite = __syncthreads_or(bad) == 0;
  facts.negative = __syncthreads_or(below) != 0;
  facts.largest = nothing_taken();
  for (int w = 0; w < kWarps; ++w) {
    take(facts.largest, largest[w].first);
    take(facts.largest, largest[w].second);
  }
  if (threadIdx.x == 0 && !facts.finite) atomicMin(&task.failures->not_finite, static_cast<int>(blockIdx.x));
  return facts;
}

// 16-lane sums over a row: term(c) of every element is computed by any thread, add(sum, term) by its lane in
// order.
template <class Term, class Sum, class TermOf, class Add>
__device__ __forceinline__ void sum_row(int columns, Sum& sum, Term* tile, TermOf term_of, Add add) {
  for (int first = 0; first < columns; first += kTile) {
    const int count = smaller(kTile, columns - first);
    for (int i = threadIdx.x; i < count; i += kScoreThreads) tile[i] = term_of(first + i);
    __syncthreads();
    if (warp_id() == 0)
      for (int i = lane_id() % DMOE_TREE_LANES; i < count; i += DMOE_TREE_LANES) add(sum, tile[i]);
    __syncthreads();
  }
}

// The first warp's sums, folded, for all threads: of lanes 0-15 and of lanes 16-31.
struct HalfSums {
  float low, high;
};
__device__ __forceinline__ HalfSums share_sums(float sum) {
  __shared__ HalfSums shared_sums;
  if (warp_id() == 0) {
    sum = fold_halves(sum);
    if (lane_id() == 0) shared_sums.low = sum;
    if (lane_id() == DMOE_TREE_LANES) shared_sums.high = sum;
  }
  __syncthreads();
  return shared_sums;
}

// H / ln n within [0, 1]; 0 when there is nothing to choose from.
__device__ __forceinline__ float normalised(float entropy, int choices) {
  if (choices < 2) return 0.0f;
  const float share = entropy / rule_log_count(choices);
  return share < 0.0f ? 0.0f : share > 1.0f ? 1.0f : share;
}

struct DistanceMass {
  float distance, mass;
};
struct ShareLog {
  float share, log;
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kScoreThreads) dmoe_score_l2(const ScoreTask task) {
  __shared__ float tile[kTile];
  const float* x = row_of(task);
  const RowFacts facts = look_at_row(task);
  double sum = 0.0;
  sum_row(
      task.columns, sum, tile, [=](int c) { return x[c]; },
      [](double& s, float v) { s += static_cast<double>(v) * static_cast<double>(v); });
  if (warp_id() != 0) return;
    // A double folds through its two halves of bits.
#pragma unroll
  for (int width = DMOE_TREE_LANES / 2; width > 0; width /= 2) {
    uint64_t bits;
    __builtin_memcpy(&bits, &sum, sizeof bits);
    const auto low = static_cast<unsigned>(__shfl_down_sync(kAllLanes, static_cast<int>(bits), width));
    const auto high = static_cast<unsigned>(__shfl_down_sync(kAllLanes, static_cast<int>(bits >> 32), width));
    bits = static_cast<uint64_t>(high) << 32 | low;
    double other;
    __builtin_memcpy(&other, &bits, sizeof other);
    sum += other;
  }
  if (lane_id() != 0) return;
  const float norm = static_cast<float>(__builtin_sqrt(sum));
  task.scores[blockIdx.x] = norm;
  if (facts.finite && !is_finite(norm)) atomicMin(&task.failures->overflow, static_cast<int>(blockIdx.x));
}

extern "C" __global__ void __launch_bounds__(kScoreThreads) dmoe_score_margin(const ScoreTask task) {
  const RowFacts facts = look_at_row(task);
  if (threadIdx.x == 0)
    task.scores[blockIdx.x] =
        rule_margin(task.sigmoid, task.columns, facts.largest.first, facts.largest.second);
}

extern "C" __global__ void __launch_bounds__(kScoreThreads) dmoe_score_entropy(const ScoreTask task) {
  __shared__ DistanceMass tile[kTile];
  const float* x = row_of(task);
  const float best = look_at_row(task).largest.first, temperature = task.temperature;
  const bool first_half = lane_id() < DMOE_TREE_LANES;
  float sum = 0.0f;  // of e^-d in the first half of the warp, of d e^-d in the second
  sum_row(
      task.columns, sum, tile,
      [=](int c) {
        const float d = rule_distance(best, x[c], temperature);
        return DistanceMass{d, rule_exp(-d)};
      },
      [=](float& s, DistanceMass term) {
        s = first_half ? s + term.mass : rule_fma(term.distance, term.mass, s);
      });
  const HalfSums sums = share_sums(sum);
  if (threadIdx.x != 0) return;
  const float entropy = rule_softmax_entropy(sums.low, sums.high);
  task.scores[blockIdx.x] = task.normalise ? normalised(entropy, task.columns) : entropy;
}

extern "C" __global__ void __launch_bounds__(kScoreThreads) dmoe_score_attention(const ScoreTask task) {
  __shared__ ShareLog tile[kTile];
  const float* x = row_of(task);
  const RowFacts facts = look_at_row(task);
  if (threadIdx.x == 0 && facts.negative) atomicMin(&task.failures->negative, static_cast<int>(blockIdx.x));
  const float best = facts.largest.first, temperature = task.temperature, epsilon = task.epsilon;
  if (!(best > 0.0f)) {
    if (threadIdx.x == 0) task.scores[blockIdx.x] = 0.0f;
    return;
  }
  float sum = 0.0f;
  sum_row(
      task.columns, sum, tile,
      [=](int c) {
        return ShareLog{rule_sharpened(x[c], best, temperature), 0.0f};
      },
      [](float& s, ShareLog term) { s += term.share; });
  const float total = share_sums(sum).low;
  float h = 0.0f;
  sum_row(
      task.columns, h, tile,
      [=](int c) {
        const float p = rule_sharpened(x[c], best, temperature) / total;
        return ShareLog{p, rule_log_normal(p + epsilon)};
      },
      [](float& s, ShareLog term) { s = rule_fma(-term.share, term.log, s); });
  if (warp_id() != 0) return;
  const float entropy = fold_halves(h);
  if (lane_id() == 0) task.scores[blockIdx.x] = entropy > 0.0f ? entropy : 0.0f;
}

extern "C" __global__ void __launch_bounds__(kScoreThreads) dmoe_score_heads(const HeadsTask task) {
  const int64_t token = static_cast<int64_t>(blockIdx.x) * kScoreThreads + threadIdx.x;
  if (token >= task.tokens) return;
  const int own_visible = task.visible ? task.visible[token] : 0;
  const int visible = task.visible ? own_visible : task.keys;
  double sum = 0.0;
  float most = 0.0f, least = 1.0f;
  for (int h = 0; h < task.heads; ++h) {
    const float value = normalised(task.entropies[token * task.heads + h], visible);
    sum += static_cast<double>(value);
    most = value > most ? value : most;
    least = value < least ? value : least;
  }
  task.scores[token] = task.aggregation == DMOE_HEADS_MAX   ? most
                       : task.aggregation == DMOE_HEADS_MIN ? least
                                                            : static_cast<float>(sum / task.heads);
}

}  // namespace dmoe::cuda
