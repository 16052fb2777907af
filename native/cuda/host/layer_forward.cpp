// Calls with host memory: at once where one chunk suffices and nothing limits the batch, else in steps.
// Either way nothing of the caller's is written before every token has been decided.
#include <algorithm>

#include "core/status.hpp"
#include "engine/limit.hpp"
#include "host/device_layer.hpp"
#include "kernels/launch.hpp"

namespace dmoe::cuda {
namespace {

template <typename T>
void copy_to(const T* from, int64_t count, T* to) {
  if (from != nullptr && to != nullptr) std::copy_n(from, count, to);
}

bool refused(const Failures& failures) {
  return failures.not_finite != kNoFailure || failures.unbalanced != kNoFailure;
}

// What a chunk decided, from the staging memory to rows of `slots` columns.
void take_routes(const ChunkMemory& memory, const ChunkLayout& layout, int64_t tokens, int64_t experts,
                 const RouteRows& to) {
  copy_to(memory.on_host<int32_t>(layout.ids), tokens * to.slots, to.ids);
  copy_to(memory.on_host<float>(layout.weights), tokens * to.slots, to.weights);
  copy_to(memory.on_host<int32_t>(layout.counts), tokens, to.counts);
  copy_to(memory.on_host<float>(layout.scores), tokens, to.scores);
  copy_to(memory.on_host<float>(layout.gaps), tokens * to.slots, to.gaps);
  copy_to(memory.on_host<float>(layout.logits), tokens * experts, to.logits);
}

void take_output(const ChunkMemory& memory, const ChunkLayout& layout, int64_t first, int64_t tokens,
                 const OutputView& output) {
  const float* from = memory.on_host<float>(layout.out);
  for (int64_t t = 0; t < tokens; ++t, from += output.columns)
    std::copy_n(from, output.columns, output.row(first + t));
}

}  // namespace

void DeviceLayer::forward_at_once(const MatrixView& hidden, const ForwardCall& call, const OutputView& output,
                                  dmoe_batch_report* report) const {
  const dmoe_routes& kept = call.routes;
  ChunkShape shape;
  shape.tokens = hidden.rows;
  shape.slots = kept.slots;
  shape.used_slots = call.route.params.max_experts;
  shape.call = &call.route;
  shape.routes = shape.runs = shape.takes_hidden = shape.gives_output = true;
  shape.gives_routes = kept.ids != nullptr;
  shape.counts = kept.counts != nullptr;
  shape.scores = kept.scores != nullptr;
  shape.logits = kept.logits != nullptr;
  shape.gaps = kept.gaps != nullptr;
  const ChunkLayout layout(setup_, shape);
  Lanes::Lease lane = device_->lanes().lease(layout.bytes, layout.scratch);
  const ChunkMemory memory{lane->workspace.address(), lane->staging.data()};
  const Chunk chunk(setup_, shape, layout, memory, ChunkRefs{}, 0, hidden.rows);
  chunk.stage_params();
  chunk.stage_hidden(hidden);
  lane->program.clear();
  chunk.add_steps(lane->program);
  device_->run_and_wait(*lane, graphs_, "layer");

  if (refused(*memory.on_host<Failures>(layout.failures))) {
    lane.give_back();
    refuse(hidden, call.route, kept.slots);
  }
  require_finite(lane->stream.handle(), shape, layout, memory, 0, hidden.rows);
  take_routes(memory, layout, hidden.rows, router_->experts(), rows_of(kept));
  take_output(memory, layout, 0, hidden.rows, output);
  int64_t load[kMostExperts];
  const int32_t* const offsets = memory.on_host<int32_t>(layout.offsets);
  for (int32_t e = 0; e < router_->experts(); ++e) load[e] = offsets[e + 1] - offsets[e];
  if (kept.expert_routes != nullptr) std::copy_n(load, router_->experts(), kept.expert_routes);
  write_report(make_report(load, router_->experts(), hidden.rows), report);
}

// Decisions of a whole batch, which the caller sees only when all are made and limited.
struct DeviceLayer::Batch {
  RouteRows rows;
  LimitScratch limit;

  Batch(const Router& router, const ForwardCall& call, int64_t tokens, Arena& arena) {
    const dmoe_routes& kept = call.routes;
    const bool reroutes = call.limits.capacity_factor > 0 && call.limits.overflow == DMOE_OVERFLOW_REROUTE;
    const bool reads_logits = reroutes || call.limits.max_distinct > 0;
    const auto count = static_cast<std::size_t>(tokens);
    const auto cells = static_cast<std::size_t>(checked_product(tokens, kept.slots, "routes"));
    rows.slots = kept.slots;
    rows.ids = arena.take<int32_t>(cells);
    rows.weights = arena.take<float>(cells);
    const bool counts = kept.counts != nullptr, scores = kept.scores != nullptr, gaps = kept.gaps != nullptr;
    const bool logits = reads_logits || kept.logits != nullptr;
    if (counts) rows.counts = arena.take<int32_t>(count);
    if (scores) rows.scores = arena.take<float>(count);
    if (gaps) rows.gaps = arena.take<float>(cells);
    if (logits)
      rows.logits =
          arena.take<float>(static_cast<std::size_t>(checked_product(tokens, router.experts(), "logits")));
    limit = lay_limit(arena, router, tokens, kept.slots);
  }
};

void DeviceLayer::forward_in_steps(const MatrixView& hidden, const ForwardCall& call,
                                   const OutputView& output, dmoe_batch_report* report) const {
  const dmoe_routes& kept = call.routes;
  const int64_t tokens = hidden.rows, experts = router_->experts();
  Arena measure;
  { Batch(*router_, call, tokens, measure); }
  WorkspacePool::Lease lease(workspaces_.pool(), measure.used());
  Arena arena = lease.arena();
  const Batch batch(*router_, call, tokens, arena);
  route_all(hidden, call, batch);

  // On the processor, over the whole batch and in the same way as there: what a route loses does not depend
  // on where it runs.
  LimitResult limited;
  if (limits_anything(call.limits))
    limited = limit_routes(*router_, call.route, call.limits, {batch.rows.logits, tokens, experts, experts},
                           batch.rows, batch.limit);
  copy_to(batch.rows.ids, tokens * kept.slots, kept.ids);
  copy_to(batch.rows.weights, tokens * kept.slots, kept.weights);
  copy_to(batch.rows.counts, tokens, kept.counts);
  copy_to(batch.rows.scores, tokens, kept.scores);
  copy_to(batch.rows.gaps, tokens * kept.slots, kept.gaps);
  copy_to(batch.rows.logits, tokens * experts, kept.logits);
  run_all(hidden, batch.rows.ids, batch.rows.weights, kept.slots, std::min(kept.slots, router_->experts()),
          output);

  count_routes(batch.rows.ids, tokens, kept.slots, router_->experts(), batch.limit.load);
  if (kept.expert_routes != nullptr) std::copy_n(batch.limit.load, experts, kept.expert_routes);
  dmoe_batch_report made = make_report(batch.limit.load, router_->experts(), tokens);
  made.overflow_routes = limited.overflow;
  made.dropped_routes = limited.dropped;
  write_report(made, report);
}

void DeviceLayer::route_all(const MatrixView& hidden, const ForwardCall& call, const Batch& batch) const {
  if (hidden.rows == 0) return;
  const int64_t size = std::min(hidden.rows, chunk_tokens(call.routes.slots));
  ChunkShape shape;
  shape.tokens = size;
  shape.slots = call.routes.slots;
  shape.call = &call.route;
  shape.routes = shape.takes_hidden = shape.gives_routes = true;
  shape.counts = batch.rows.counts != nullptr;
  shape.scores = batch.rows.scores != nullptr;
  shape.logits = batch.rows.logits != nullptr;
  shape.gaps = batch.rows.gaps != nullptr;
  const ChunkLayout layout(setup_, shape);
  Lanes::Lease lane = device_->lanes().lease(layout.bytes, layout.scratch);
  const ChunkMemory memory{lane->workspace.address(), lane->staging.data()};
  for (int64_t first = 0; first < hidden.rows; first += size) {
    const int64_t count = std::min(size, hidden.rows - first);
    const Chunk chunk(setup_, shape, layout, memory, ChunkRefs{}, first, count);
    chunk.stage_params();
    chunk.stage_hidden(hidden);
    lane->program.clear();
    chunk.add_steps(lane->program);
    device_->run_and_wait(*lane, graphs_, "route");
    if (refused(*memory.on_host<Failures>(layout.failures))) {
      lane.give_back();
      refuse(hidden, call.route, call.routes.slots);
    }
    take_routes(memory, layout, count, router_->experts(), batch.rows.from(first, router_->experts()));
  }
}

void DeviceLayer::run_all(const MatrixView& hidden, const int32_t* ids, const float* weights, int32_t slots,
                          int32_t used_slots, const OutputView& output) const {
  if (hidden.rows == 0) return;
  const int64_t size = std::min(hidden.rows, chunk_tokens(slots));
  ChunkShape shape;
  shape.tokens = size;
  shape.slots = slots;
  shape.used_slots = used_slots;
  shape.runs = shape.takes_hidden = shape.gives_output = true;
  const ChunkLayout layout(setup_, shape);
  Lanes::Lease lane = device_->lanes().lease(layout.bytes, layout.scratch);
  const ChunkMemory memory{lane->workspace.address(), lane->staging.data()};
  for (int64_t first = 0; first < hidden.rows; first += size) {
    const int64_t count = std::min(size, hidden.rows - first);
    const Chunk chunk(setup_, shape, layout, memory, ChunkRefs{}, first, count);
    chunk.stage_routes(ids, weights);
    chunk.stage_hidden(hidden);
    lane->program.clear();
    chunk.add_steps(lane->program);
    device_->run_and_wait(*lane, graphs_, "experts");
    require_finite(lane->stream.handle(), shape, layout, memory, first, count);
    take_output(memory, layout, first, count, output);
  }
}

}  // namespace dmoe::cuda
