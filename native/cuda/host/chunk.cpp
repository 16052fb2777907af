#include "host/chunk.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/launch.hpp"
#include "kernels/launch_experts.hpp"

namespace dmoe::cuda {
namespace {

LaunchShape shape_of(const Launch& launch) { return {launch.x, launch.y, launch.threads, launch.shared}; }
LaunchShape shape_of(const ExpertsLaunch& launch) { return {launch.blocks, 1, launch.threads, 0}; }

template <typename T>
void copy(const T* from, int64_t count, T* to) {
  if (to != nullptr) std::copy_n(from, count, to);
}

}  // namespace

const int32_t* Chunk::ids() const noexcept {
  if (refs_.ids != nullptr) return refs_.ids;
  if (layout_.in_ids != ChunkLayout::kNone) return own<int32_t>(layout_.in_ids);
  return own<int32_t>(layout_.ids != ChunkLayout::kNone ? layout_.ids : layout_.own_ids);
}

const float* Chunk::weights() const noexcept {
  if (refs_.weights != nullptr) return refs_.weights;
  if (layout_.in_weights != ChunkLayout::kNone) return own<float>(layout_.in_weights);
  return own<float>(layout_.weights != ChunkLayout::kNone ? layout_.weights : layout_.own_weights);
}

bool Chunk::rounds() const noexcept { return layout_.rounded != ChunkLayout::kNone; }
int64_t Chunk::rounded_stride() const noexcept { return up_to(setup_.router->hidden(), kBlock); }

void Chunk::stage_params() const {
  const dmoe_route_params& p = shape_.call->params;
  const int64_t experts = setup_.router->experts();
  const auto host = [&]<typename T>(std::size_t offset, T) { return memory_.on_host<T>(offset); };
  *memory_.on_host<RouteValues>(layout_.in_values) = {p.count_offset, shape_.call->gap_limit, p.top_p,
                                                      p.noise_seed, first_};
  copy(p.scores ? p.scores + first_ : nullptr, tokens_, host(layout_.in_scores, 0.0f));
  copy(p.counts ? p.counts + first_ : nullptr, tokens_, host(layout_.in_counts, int32_t{}));
  copy(p.positions ? p.positions + first_ : nullptr, tokens_, host(layout_.in_positions, int64_t{}));
  copy(p.selection_bias, experts, host(layout_.in_bias, 0.0f));
  copy(p.expert_mask, experts, host(layout_.in_mask, uint8_t{}));
  if (float* const limits = host(layout_.in_gap_limits, 0.0f))
    for (int64_t t = 0; t < tokens_; ++t)  // as the CPU's router has it
      limits[t] = static_cast<float>(-std::log(static_cast<double>(p.token_taus[first_ + t])));
}

void Chunk::stage_hidden(const MatrixView& hidden) const {
  float* to = memory_.on_host<float>(layout_.in_hidden);
  for (int64_t t = 0; t < tokens_; ++t, to += hidden.columns)
    std::copy_n(hidden.row(first_ + t), hidden.columns, to);
}

void Chunk::stage_routes(const int32_t* ids, const float* weights) const {
  const int64_t from = first_ * shape_.slots, count = tokens_ * shape_.slots;
  copy(ids + from, count, memory_.on_host<int32_t>(layout_.in_ids));
  copy(weights + from, count, memory_.on_host<float>(layout_.in_weights));
}

void Chunk::add_steps(Program& program) const {
  const bool takes = layout_.in_hidden != ChunkLayout::kNone;
  const std::size_t in_bytes =
      takes ? layout_.in_hidden + static_cast<std::size_t>(tokens_ * setup_.router->hidden()) * sizeof(float)
            : layout_.outputs;
  program.copy_in("copy to the device", memory_.device, memory_.host, in_bytes);
  program.fill("clear of failures", memory_.device + layout_.failures, static_cast<uint32_t>(kNoFailure),
               layout_.cleared / sizeof(uint32_t));
  if (shape_.routes) add_route(program);
  if (shape_.runs) {
    add_plan(program);
    add_experts(program);
    add_combine(program);
  }
  const bool gives = layout_.out != ChunkLayout::kNone;
  const std::size_t out_end =
      gives ? layout_.out + static_cast<std::size_t>(tokens_ * setup_.router->hidden()) * sizeof(float)
            : layout_.scratch;
  program.copy_out("copy from the device", memory_.host + layout_.outputs, memory_.device + layout_.outputs,
                   out_end - layout_.outputs);
}

void Chunk::add_route(Program& program) const {
  const Router& router = *setup_.router;
  const dmoe_router_options& options = router.options();
  const RouteCall& call = *shape_.call;
  const dmoe_route_params& p = call.params;
  auto task = blank<RouteTask>();
  task.hidden = hidden();
  task.hidden_stride = hidden_stride();
  task.gate_weights = setup_.gate->weights();
  task.gate_bias = setup_.gate->bias();
  task.logits = refs_.logits ? refs_.logits : own<float>(layout_.logits);
  task.logits_stride = router.experts();
  task.tokens = static_cast<int32_t>(tokens_);
  task.hidden_size = router.hidden();
  task.experts = router.experts();
  task.padded_experts = static_cast<int32_t>(router.padded_experts());
  task.gate = options.gate;
  task.trained_k = options.trained_k;
  task.groups = options.groups;
  task.top_groups = options.top_groups;
  task.top2_sum = options.group_score == DMOE_GROUP_TOP2_SUM;
  task.routed_scale = options.routed_scale;
  task.log_experts = router.log_experts();
  task.strategy = p.strategy;
  task.weighting = p.weighting;
  task.min_experts = p.min_experts;
  task.max_experts = p.max_experts;
  task.score_source = p.score_source;
  task.noise_factor = p.noise_factor;
  task.values = own<const RouteValues>(layout_.in_values);
  task.given_scores = refs_.given_scores ? refs_.given_scores : own<const float>(layout_.in_scores);
  task.given_counts = own<const int32_t>(layout_.in_counts);
  task.gap_limits = own<const float>(layout_.in_gap_limits);
  task.positions = own<const int64_t>(layout_.in_positions);
  task.selection_bias = own<const float>(layout_.in_bias);
  task.expert_mask = own<const uint8_t>(layout_.in_mask);
  task.ranked = call.ranked;
  task.sliced_logits = own<float>(layout_.sliced_logits);
  task.arrivals = own<int32_t>(layout_.arrivals);
  task.slots = shape_.slots;
  task.ids = const_cast<int32_t*>(ids());
  task.weights = const_cast<float*>(weights());
  task.counts = refs_.counts ? refs_.counts : own<int32_t>(layout_.counts);
  task.scores = refs_.scores ? refs_.scores : own<float>(layout_.scores);
  task.gaps = refs_.gaps ? refs_.gaps : own<float>(layout_.gaps);
  task.failures = own<Failures>(layout_.failures);
  program.launch("route", setup_.device->kernels().at("dmoe_route"), shape_of(launch_route(task)), task);
}

void Chunk::add_plan(Program& program) const {
  const Kernels& kernels = setup_.device->kernels();
  auto task = blank<PlanTask>();
  task.ids = ids();
  task.tokens = static_cast<int32_t>(tokens_);
  task.slots = shape_.slots;
  task.experts = setup_.router->experts();
  task.tiles = plan_tiles(task.tokens, task.slots);
  task.tile_counts = own<int32_t>(layout_.tile_counts);
  task.offsets = own<int32_t>(layout_.offsets);
  task.token_of = own<int32_t>(layout_.token_of);
  task.rows = own<int32_t>(layout_.rows);
  if (plan_in_one(task)) {
    program.launch("plan", kernels.at("dmoe_plan_tile"), shape_of(launch_plan_tiles(task)), task);
    return;
  }
  program.launch("plan: count", kernels.at("dmoe_plan_count"), shape_of(launch_plan_tiles(task)), task);
  program.launch("plan: scan", kernels.at("dmoe_plan_scan"), shape_of(launch_plan_scan(task)), task);
  program.launch("plan: scatter", kernels.at("dmoe_plan_scatter"), shape_of(launch_plan_tiles(task)), task);
}

void Chunk::add_products(Program& program, const DeviceExperts& experts, ExpertsTask task, int32_t slots,
                         const char* up, const char* down) const {
  const Device& device = *setup_.device;
  task.tokens = static_cast<int32_t>(tokens_);
  task.input = experts.floats() ? static_cast<const void*>(hidden()) : own<const void>(layout_.rounded);
  task.input_stride = experts.floats() ? hidden_stride() : rounded_stride();
  task.h_stride = experts.h_stride();
  task.y_stride = experts.hidden();
  const int64_t rows = most_rows(task, slots);
  for (const ExpertsSide side : {ExpertsSide::kUp, ExpertsSide::kDown}) {
    const ExpertsLaunch launch = experts_launch(experts.format(), side, task, rows, device.multiprocessors());
    if (launch.blocks != 0)
      program.launch(side == ExpertsSide::kUp ? up : down, device.kernels().at(launch.entry),
                     shape_of(launch), task);
  }
}

void Chunk::add_experts(Program& program) const {
  const Device& device = *setup_.device;
  if (rounds()) {
    auto task = blank<RoundTask>();
    task.in = hidden();
    task.in_stride = hidden_stride();
    task.rows = static_cast<int32_t>(tokens_);
    task.columns = setup_.router->hidden();
    task.out = own<uint16_t>(layout_.rounded);
    task.out_stride = rounded_stride();
    const ExpertsLaunch launch = round_launch(task, device.multiprocessors());
    program.launch("rounding of hidden states", device.kernels().at(launch.entry), shape_of(launch), task);
  }
  ExpertsTask task = setup_.routed->task();
  task.offsets = own<const int32_t>(layout_.offsets);
  task.token_of = own<const int32_t>(layout_.token_of);
  task.h = own<void>(layout_.h);
  task.y = own<float>(layout_.y);
  add_products(program, *setup_.routed, task, shape_.used_slots, "experts: up", "experts: down");
  if (setup_.shared != nullptr) add_shared(program);
}

void Chunk::add_shared(Program& program) const {
  if (setup_.shared_gate != nullptr) {
    auto gate = blank<SharedGateTask>();
    gate.hidden = hidden();
    gate.hidden_stride = hidden_stride();
    gate.tokens = static_cast<int32_t>(tokens_);
    gate.hidden_size = setup_.router->hidden();
    gate.gate = setup_.shared_gate;
    gate.weights = own<float>(layout_.shared_weights);
    program.launch("shared gate", setup_.device->kernels().at("dmoe_shared_gate"),
                   shape_of(launch_shared_gate(gate)), gate);
  }
  ExpertsTask task = setup_.shared->task();
  task.h = own<void>(layout_.shared_h);
  task.y = own<float>(layout_.shared_y);
  add_products(program, *setup_.shared, task, 0, "shared experts: up", "shared experts: down");
}

void Chunk::add_combine(Program& program) const {
  auto task = blank<CombineTask>();
  task.tokens = static_cast<int32_t>(tokens_);
  task.slots = shape_.slots;
  task.columns = setup_.router->hidden();
  task.rows = own<const int32_t>(layout_.rows);
  task.weights = weights();
  task.y = own<const float>(layout_.y);
  task.y_stride = task.columns;
  if (setup_.shared != nullptr) {
    task.shared = setup_.shared->count();
    task.shared_y = own<const float>(layout_.shared_y);
    task.shared_weights = own<const float>(layout_.shared_weights);
  }
  task.out = refs_.output ? refs_.output : own<float>(layout_.out);
  task.out_stride = refs_.output ? refs_.output_stride : task.columns;
  task.failures = own<Failures>(layout_.failures);
  program.launch("combine", setup_.device->kernels().at("dmoe_combine"), shape_of(launch_combine(task)),
                 task);
}

}  // namespace dmoe::cuda
