// plan: routes in order of expert (compressed sparse rows), a stable counting sort in three launches or one. Exactly
// ops/plan. in  ids [T, slots]    out offsets [E + 1], token_of [R] ascending within an expert, rows [T,
// slots] = route of the slot or -1
//
// dmoe_plan_count    a block per tile of 1024 slots counts the tile's routes of each expert
// dmoe_plan_scan     one block turns the counts into each tile's first place per expert, and into offsets
// dmoe_plan_scatter  a block per tile places its routes
// dmoe_plan_tile     all of it in one block, for one tile and up to 512 experts
// A warp goes through a contiguous part of its tile 32 slots at a time; lanes with the same expert find one
// another by match, so that counters need no atomics and places do not depend on any order of execution. Ids
// outside of 0..E-1 count as unused. E <= 12288.

// The language first: the rules ask for it.
// clang-format off
#include "kernels/device.hpp"
// clang-format on

#include "kernels/launch.hpp"
#include "kernels/warp.hpp"

extern __shared__ __align__(16) unsigned char dmoe_shared[];

namespace dmoe::cuda {
namespace {

__device__ __forceinline__ int64_t tile_begin(int warps) {
  const int part = kPlanTile / warps;
  return static_cast<int64_t>(blockIdx.x) * kPlanTile + warp_id() * part;
}

// The expert of a slot, or -1.
__device__ __forceinline__ int expert_of(const PlanTask& task, int64_t slot, int64_t cells) {
  if (slot >= cells) return -1;
  const int id = task.ids[slot];
  return id >= 0 && id < task.experts ? id : -1;
}

__device__ __forceinline__ unsigned lanes_below() { return (1u << lane_id()) - 1; }

// Counts the warp's part of the tile into counters[expert], which are 0.
__device__ __forceinline__ void count_part(const PlanTask& task, int warps, int* counters) {
  const int64_t cells = static_cast<int64_t>(task.tokens) * task.slots, first = tile_begin(warps);
  for (int base = 0; base < kPlanTile / warps; base += kWarp) {
    const int expert = expert_of(task, first + base + lane_id(), cells);
    const unsigned peers = __match_any_sync(kAllLanes, static_cast<unsigned>(expert));
    if (expert >= 0 && (peers & lanes_below()) == 0) counters[expert] += __popc(peers);
    __syncwarp();
  }
}

// Makes each warp's count of an expert its first place, from the expert's first on.
__device__ __forceinline__ void place_warps(const PlanTask& task, int warps, int expert, int place,
                                            int* counters) {
  for (int w = 0; w < warps; ++w) {
    const int count = counters[w * task.experts + expert];
    counters[w * task.experts + expert] = place;
    place += count;
  }
}

// Places the routes of the warp's part of the tile. @param places next place of each expert, moved on
__device__ __forceinline__ void scatter_part(const PlanTask& task, int warps, int* places) {
  const int64_t cells = static_cast<int64_t>(task.tokens) * task.slots, first = tile_begin(warps);
  for (int base = 0; base < kPlanTile / warps; base += kWarp) {
    const int64_t slot = first + base + lane_id();
    const int expert = expert_of(task, slot, cells);
    const unsigned peers = __match_any_sync(kAllLanes, static_cast<unsigned>(expert));
    int place = -1;
    if (expert >= 0) place = places[expert] + __popc(peers & lanes_below());
    __syncwarp();
    if (expert >= 0 && (peers & lanes_below()) == 0) places[expert] += __popc(peers);
    __syncwarp();
    if (expert >= 0) task.token_of[place] = static_cast<int>(slot) / task.slots;
    if (slot < cells) task.rows[slot] = place;
  }
}

__device__ __forceinline__ void clear_counters(const PlanTask& task, int warps, int* counters) {
  for (int i = threadIdx.x; i < warps * task.experts; i += warps * kWarp) counters[i] = 0;
  __syncthreads();
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kPlanTileThreads) dmoe_plan_count(const PlanTask task) {
  int* counters = reinterpret_cast<int*>(dmoe_shared);
  const int warps = plan_warps(task.experts);
  clear_counters(task, warps, counters);
  count_part(task, warps, counters + warp_id() * task.experts);
  __syncthreads();
  for (int e = threadIdx.x; e < task.experts; e += warps * kWarp) {
    int sum = 0;
    for (int w = 0; w < warps; ++w) sum += counters[w * task.experts + e];
    task.tile_counts[static_cast<int64_t>(blockIdx.x) * task.experts + e] = sum;
  }
}

namespace {

// Counts of tiles [begin, end) of one expert become first places from `place` on. Several are read before the
// first is written, so that their latencies overlap.
__device__ __forceinline__ void place_tiles(int* column, int experts, int64_t begin, int64_t end, int place) {
  constexpr int kAtOnce = 8;
  for (int64_t tile = begin; tile < end; tile += kAtOnce) {
    int counts[kAtOnce];
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) counts[i] = tile + i < end ? column[(tile + i) * experts] : 0;
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      if (tile + i < end) column[(tile + i) * experts] = place;
      place += counts[i];
    }
  }
}

// Exclusive prefix sum of one int per thread over the block. @param warp_sums shared, one per warp, in use until the
// caller's next barrier @param total [out] of the block
template <int kWarps>
__device__ __forceinline__ int exclusive_sum(int value, int* warp_sums, int* total) {
  int sum = value;
#pragma unroll
  for (int step = 1; step < kWarp; step *= 2) {
    const int other = __shfl_up_sync(kAllLanes, sum, step);
    if (lane_id() >= step) sum += other;
  }
  if (lane_id() == kWarp - 1) warp_sums[warp_id()] = sum;
  __syncthreads();
  int before = 0, all = 0;
  for (int w = 0; w < kWarps; ++w) {
    if (w == warp_id()) before = all;
    all += warp_sums[w];
  }
  *total = all;
  return before + sum - value;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kPlanScanThreads) dmoe_plan_scan(const PlanTask task) {
  __shared__ int part_sums[kPlanScanThreads];
  __shared__ int warp_sums[kPlanScanThreads / kWarp];
  const int thread = static_cast<int>(threadIdx.x);
  int routes = 0;  // of the experts before this group
  for (int base = 0; base < task.experts; base += kPlanScanThreads) {
    // Threads lie as [parts, experts of the group]: neighbours read neighbouring experts, each part sums its
    // share of the tiles.
    const int experts = smaller(kPlanScanThreads, task.experts - base);
    const int parts = kPlanScanThreads / experts;
    const int part = thread / experts, e = thread % experts;
    const bool works = part < parts;
    const int64_t begin = works ? static_cast<int64_t>(task.tiles) * part / parts : 0;
    const int64_t end = works ? static_cast<int64_t>(task.tiles) * (part + 1) / parts : 0;
    int* column = task.tile_counts + base + e;
    int sum = 0;
#pragma unroll 8
    for (int64_t tile = begin; tile < end; ++tile) sum += column[tile * task.experts];
    part_sums[thread] = sum;
    __syncthreads();
    int all = 0;
    if (part == 0)
      for (int p = 0; p < parts; ++p) all += part_sums[p * experts + e];
    int group_routes = 0;
    const int first =
        routes + exclusive_sum<kPlanScanThreads / kWarp>(all, warp_sums, &group_routes);  // threads with part 0 come first
    if (part == 0) {
      task.offsets[base + e] = first;
      if (task.expert_routes) task.expert_routes[base + e] = all;
      int place = first;
      for (int p = 0; p < parts; ++p) {
        const int count = part_sums[p * experts + e];
        part_sums[p * experts + e] = place;
        place += count;
      }
    }
    __syncthreads();
    place_tiles(column, task.experts, begin, end, part_sums[thread]);  // its own: free for the next group
    routes += group_routes;
  }
  if (thread == 0) task.offsets[task.experts] = routes;
}

extern "C" __global__ void __launch_bounds__(kPlanTileThreads) dmoe_plan_scatter(const PlanTask task) {
  int* counters = reinterpret_cast<int*>(dmoe_shared);
  const int warps = plan_warps(task.experts);
  clear_counters(task, warps, counters);
  int* places = counters + warp_id() * task.experts;
  count_part(task, warps, places);
  __syncthreads();
  for (int e = threadIdx.x; e < task.experts; e += warps * kWarp)
    place_warps(task, warps, e, task.tile_counts[static_cast<int64_t>(blockIdx.x) * task.experts + e], counters);
  __syncthreads();
  scatter_part(task, warps, places);
}

extern "C" __global__ void __launch_bounds__(kPlanTileThreads) dmoe_plan_tile(const PlanTask task) {
  __shared__ int warp_sums[kPlanTileThreads / kWarp];
  int* counters = reinterpret_cast<int*>(dmoe_shared);
  const int warps = kPlanTileThreads / kWarp;
  clear_counters(task, warps, counters);
  int* places = counters + warp_id() * task.experts;
  count_part(task, warps, places);
  __syncthreads();
  int routes = 0;  // of the experts before this group
  for (int base = 0; base < task.experts; base += kPlanTileThreads) {
    const int e = base + static_cast<int>(threadIdx.x);
    int count = 0, group_routes = 0;
    for (int w = 0; e < task.experts && w < warps; ++w) count += counters[w * task.experts + e];
    const int first = routes + exclusive_sum<warps>(count, warp_sums, &group_routes);
    if (e < task.experts) {
      task.offsets[e] = first;
      if (task.expert_routes) task.expert_routes[e] = count;
      place_warps(task, warps, e, first, counters);
    }
    routes += group_routes;
    __syncthreads();  // the places are there, the sums are free
  }
  if (threadIdx.x == 0) task.offsets[task.experts] = routes;
  scatter_part(task, warps, places);
}

}  // namespace dmoe::cuda
