// How each kernel of route.cu, score.cu, plan.cu, combine.cu and norm.cu is launched: grid, block and dynamic
// shared memory as functions of its task. For host code and tests alike; the kernels use the same functions
// to lay out their shared memory.
//
// x == 0 means that there is nothing to launch. No launch asks for more than 48 KiB of dynamic shared memory,
// which every device gives without being asked.
#ifndef DYNAMICMOE_CUDA_KERNELS_LAUNCH_HPP_
#define DYNAMICMOE_CUDA_KERNELS_LAUNCH_HPP_

#include "core/rules/math.hpp"
#include "kernels/tasks.hpp"

namespace dmoe::cuda {

/** Grid [x, y], threads of a block, bytes of dynamic shared memory. */
struct Launch {
  uint32_t x, y, threads, shared;
};

constexpr int32_t kSharedLimit = 48 * 1024;
constexpr int32_t kMostExperts = 512;  // of route.cu

/** a / b rounded up, a >= 0, b >= 1; a + b may exceed int32. */
DMOE_RULE constexpr int32_t ceil_div(int32_t a, int32_t b) {
  return static_cast<int32_t>((static_cast<int64_t>(a) + b - 1) / b);
}
DMOE_RULE constexpr int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }
DMOE_RULE constexpr int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

/* ---- route.cu ---------------------------------------------------------------------------------------------
 */

constexpr int32_t kRouteThreads = 256;
constexpr int32_t kRouteWarps = kRouteThreads / 32;
constexpr int32_t kRouteStages = 3;
constexpr int32_t kRouteTokens = 4;    // of a block where there are few
constexpr int32_t kRouteBlocks = 128;  // that slices may add up to

/** How a block of route.cu divides its work; all sizes follow from the task. */
struct RouteShape {
  int32_t tokens;                        // of a block: 4, 8, 16 or 32
  int32_t rows;                          // tokens whose sums a warp of the GEMM keeps: 1 or 4
  int32_t panels;                        // of 32 experts, in all
  int32_t slices;                        // blocks that share the experts of the same tokens
  int32_t slice_panels;                  // of one of them; the last may have fewer
  int32_t pass_panels;                   // panels whose logits one pass over k computes
  int32_t tile_k;                        // k of a stage, a multiple of 4
  int32_t weight_floats, hidden_floats;  // of a stage
  // Bytes of shared memory: the logits, and behind them the stages of the GEMM or what each warp needs to
  // decide.
  int32_t logits, stages, groups, mass, order;
};

DMOE_RULE constexpr int32_t route_shared(const RouteShape& s) {
  const int32_t warps = smaller(s.tokens, kRouteWarps);
  return s.logits + larger(s.stages, warps * (s.groups + s.mass + s.order));
}

/** Blocks that share the experts of 4 tokens, each with a part of the gate's weights: with few tokens one block would take
 * its time to read them all. */
DMOE_RULE constexpr int32_t route_slices(int32_t tokens, int32_t padded_experts) {
  const int32_t panels = padded_experts / 32, groups = larger(1, ceil_div(tokens, kRouteTokens));
  const int32_t most = smaller(panels, kRouteBlocks / groups);
  return most <= 1 ? 1 : ceil_div(panels, ceil_div(panels, most));
}

DMOE_RULE constexpr RouteShape route_shape_of(const RouteTask& task, int32_t tokens, int32_t slices) {
  RouteShape s{};
  s.tokens = tokens;
  s.panels = task.padded_experts / 32;
  s.slices = slices;
  s.slice_panels = ceil_div(s.panels, slices);
  // A few sums are bound by the latency of one after the other: a warp per token and panel then.
  s.rows = tokens == kRouteTokens && s.slice_panels <= 2 ? 1 : 4;
  // Warps that share the panels of the same tokens, and the panels that each of them takes at most.
  const int32_t parts = kRouteWarps * s.rows / tokens;
  s.pass_panels = smaller(s.slice_panels, parts * (tokens <= 8 ? 2 : 4));
  // Few tokens means few blocks: each has as many bytes under way as fit beside the logits.
  const int32_t most_rows = s.panels <= 8 ? 104 : 88;
  const int32_t stage_rows = tokens == kRouteTokens ? most_rows : tokens <= 16 ? 64 : 32;
  s.tile_k = larger(4, stage_rows / s.pass_panels / 4 * 4);
  s.weight_floats = s.tile_k * s.pass_panels * 32;
  s.hidden_floats = s.tile_k * tokens;
  s.logits = tokens * task.padded_experts * 4;
  s.stages = kRouteStages * 4 * (s.weight_floats + s.hidden_floats);
  s.groups = task.top_groups < task.groups ? (task.groups + 1) / 2 * 16 : 0;
  s.mass = task.padded_experts * 4;
  s.order = (task.ranked + 7) / 8 * 16;
  return s;
}

/** Blocks of 4 tokens up to 512 tokens, so that there are blocks enough; then more, as far as shared memory
 * goes. */
DMOE_RULE constexpr RouteShape route_shape(const RouteTask& task) {
  int32_t tokens = task.tokens <= 512 ? kRouteTokens : task.tokens <= 1024 ? 8 : task.tokens <= 2048 ? 16 : 32;
  const int32_t slices = task.sliced_logits ? route_slices(task.tokens, task.padded_experts) : 1;
  RouteShape shape = route_shape_of(task, tokens, slices);
  while (tokens > kRouteTokens && route_shared(shape) > kSharedLimit) {
    tokens /= 2;
    shape = route_shape_of(task, tokens, slices);
  }
  return shape;
}

/** dmoe_decide: a warp per token and no GEMM. */
DMOE_RULE constexpr RouteShape decide_shape(const RouteTask& task) {
  RouteShape shape = route_shape_of(task, kRouteWarps, 1);
  shape.stages = 0;
  if (route_shared(shape) <= kSharedLimit) return shape;
  shape = route_shape_of(task, kRouteWarps / 2, 1);
  shape.stages = 0;
  return shape;
}

DMOE_RULE constexpr Launch launch_route(const RouteTask& task) {
  const RouteShape shape = route_shape(task);
  return {static_cast<uint32_t>(ceil_div(task.tokens, shape.tokens)), static_cast<uint32_t>(shape.slices), kRouteThreads,
          static_cast<uint32_t>(route_shared(shape))};
}
DMOE_RULE constexpr Launch launch_decide(const RouteTask& task) {
  const RouteShape shape = decide_shape(task);
  return {static_cast<uint32_t>(ceil_div(task.tokens, shape.tokens)), 1,
          static_cast<uint32_t>(shape.tokens * 32), static_cast<uint32_t>(route_shared(shape))};
}

/* ---- score.cu ---------------------------------------------------------------------------------------------
 */

constexpr int32_t kScoreThreads = 256;

/** dmoe_score_l2, _margin, _entropy and _attention: a block per row. */
DMOE_RULE constexpr Launch launch_score(const ScoreTask& task) {
  return {static_cast<uint32_t>(task.rows), 1, kScoreThreads, 0};
}
/** dmoe_score_heads: a thread per token. */
DMOE_RULE constexpr Launch launch_heads(const HeadsTask& task) {
  return {static_cast<uint32_t>(ceil_div(task.tokens, kScoreThreads)), 1, kScoreThreads, 0};
}

/* ---- plan.cu ----------------------------------------------------------------------------------------------
 */

constexpr int32_t kPlanScanThreads = 1024;
constexpr int32_t kPlanTileThreads = 256;
constexpr int32_t kPlanMostExperts = kSharedLimit / 4;

/** Tiles of a plan: PlanTask::tiles; its scratch has tiles * experts elements. */
DMOE_RULE constexpr int32_t plan_tiles(int32_t tokens, int32_t slots) {
  return static_cast<int32_t>((static_cast<int64_t>(tokens) * slots + kPlanTile - 1) / kPlanTile);
}
/** Warps of a block of dmoe_plan_count and dmoe_plan_scatter, each with a counter per expert: 8, 4, 2 or 1.
 */
DMOE_RULE constexpr int32_t plan_warps(int32_t experts) {
  int32_t warps = 8;
  while (warps > 1 && warps * experts > kPlanMostExperts) warps /= 2;
  return warps;
}
/** Whether dmoe_plan_tile makes the whole plan, launched as the two below. */
DMOE_RULE constexpr bool plan_in_one(const PlanTask& task) {
  return task.tiles == 1 && task.experts <= kMostExperts;
}
/** dmoe_plan_count and dmoe_plan_scatter: a block per tile. */
DMOE_RULE constexpr Launch launch_plan_tiles(const PlanTask& task) {
  const int32_t warps = plan_warps(task.experts);
  return {static_cast<uint32_t>(task.tiles), 1, static_cast<uint32_t>(warps * 32),
          static_cast<uint32_t>(warps * task.experts * 4)};
}
/** dmoe_plan_scan, between the two: one block. */
DMOE_RULE constexpr Launch launch_plan_scan(const PlanTask& task) {
  (void)task;
  return {1, 1, kPlanScanThreads, 0};
}

/* ---- combine.cu -------------------------------------------------------------------------------------------
 */

constexpr int32_t kCombineThreads = 128;
constexpr int32_t kCombineColumns = 4;  // of a thread

/** dmoe_combine: a token per x, a part of its columns per y. */
DMOE_RULE constexpr Launch launch_combine(const CombineTask& task) {
  return {static_cast<uint32_t>(task.tokens),
          static_cast<uint32_t>(ceil_div(task.columns, kCombineThreads * kCombineColumns)), kCombineThreads,
          0};
}
/** dmoe_shared_gate: half a warp per token. */
DMOE_RULE constexpr Launch launch_shared_gate(const SharedGateTask& task) {
  return {static_cast<uint32_t>(ceil_div(task.tokens, kCombineThreads / DMOE_TREE_LANES)), 1, kCombineThreads,
          0};
}

/* ---- norm.cu ----------------------------------------------------------------------------------------------
 */

constexpr int32_t kNormThreads = 256;

/** dmoe_rms_norm and dmoe_layer_norm: a block per row, which it keeps in shared memory where it fits. */
DMOE_RULE constexpr Launch launch_norm(const NormTask& task) {
  const int64_t bytes = (static_cast<int64_t>(task.columns) * 4 + 15) / 16 * 16;
  return {static_cast<uint32_t>(task.rows), 1, kNormThreads,
          bytes <= kSharedLimit - 1024 ? static_cast<uint32_t>(bytes) : 0u};
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_LAUNCH_HPP_
