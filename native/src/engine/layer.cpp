#include "engine/layer.hpp"

#include <algorithm>
#include <cmath>

#include "core/calls.hpp"
#include "core/thread_pool.hpp"
#include "engine/limit.hpp"

namespace dmoe {
namespace {

std::size_t size(int64_t count) { return static_cast<std::size_t>(count); }

void require_complete(const Experts& experts, const char* name) {
  const int32_t missing = experts.first_missing();
  DMOE_REQUIRE(missing < 0, DMOE_E_STATE, "%s: expert %d has no weights", name, missing);
}

}  // namespace

// Arrays of a forward call; laid twice, to measure and for real.
struct Layer::ForwardScratch {
  int32_t* ids;
  float* weights;
  float* logits;  // [T, E] when a limit reads them or the caller wants them, else nullptr
  int64_t* load;
  LimitScratch limit;

  ForwardScratch(const Layer& layer, const RouteCall& call, const dmoe_layer_params& limits,
                 const dmoe_routes& routes, Arena& arena) {
    const int64_t experts = layer.router_->experts();
    const bool own_routes = routes.ids == nullptr;
    const bool reroutes = limits.capacity_factor > 0 && limits.overflow == DMOE_OVERFLOW_REROUTE;
    const bool reads_logits = reroutes || limits.max_distinct > 0;
    const int64_t slots = routes.slots;
    ids = own_routes ? arena.take<int32_t>(size(checked_product(call.tokens, slots, "routes"))) : routes.ids;
    weights = own_routes ? arena.take<float>(size(call.tokens * slots)) : routes.weights;
    logits = routes.logits;
    if (reads_logits && logits == nullptr) {
      logits = arena.take<float>(size(checked_product(call.tokens, experts, "logits")));
    }
    load = arena.take<int64_t>(size(experts));
    if (limits_anything(limits)) limit = lay_limit(arena, *layer.router_, call.tokens, routes.slots);
  }
};

Layer::Layer(const dmoe_layer_options& options, std::shared_ptr<const Router> router,
             std::shared_ptr<const Experts> routed, std::shared_ptr<const Experts> shared)
    : options_(options), router_(std::move(router)), routed_(std::move(routed)), shared_(std::move(shared)) {
  require_option(options.max_tokens, 1, 1 << 20, "max_tokens");
  require_option(options.threads, 0, 1024, "threads");
  DMOE_REQUIRE(router_->hidden() == routed_->hidden(), DMOE_E_SHAPE,
               "router has hidden size %d, the experts have %d", router_->hidden(), routed_->hidden());
  DMOE_REQUIRE(router_->experts() == routed_->count(), DMOE_E_SHAPE, "router has %d experts, the set has %d",
               router_->experts(), routed_->count());
  require_complete(*routed_, "experts");
  setup_.routed = routed_.get();
  options_.shared = nullptr;  // the caller's pointers; what they named is held in shared_ and shared_gate_
  options_.shared_gate = nullptr;
  DMOE_REQUIRE(shared_ != nullptr || options.shared_gate == nullptr, DMOE_E_OPTIONS,
               "shared_gate is given, but shared is NULL");
  if (shared_ == nullptr) return;
  DMOE_REQUIRE(shared_->hidden() == routed_->hidden(), DMOE_E_SHAPE,
               "shared experts have hidden size %d, the routed ones have %d", shared_->hidden(),
               routed_->hidden());
  DMOE_REQUIRE(shared_->kernels().isa == routed_->kernels().isa, DMOE_E_OPTIONS,
               "shared and routed experts have different instruction-set levels");
  require_complete(*shared_, "shared experts");
  setup_.shared = shared_.get();
  if (options.shared_gate == nullptr) return;
  const int64_t bad = first_not_finite(options.shared_gate, routed_->hidden());
  DMOE_REQUIRE(bad < 0, DMOE_E_OPTIONS, "shared_gate element %lld is not finite",
               static_cast<long long>(bad));
  shared_gate_ = Buffer<float>(size(routed_->hidden()));
  std::copy(options.shared_gate, options.shared_gate + routed_->hidden(), shared_gate_.data());
  setup_.shared_gate = shared_gate_.data();
}

ExpertPassSetup Layer::setup_of_call() const noexcept {
  ExpertPassSetup setup = setup_;
  setup.threads = region_threads(options_.threads);
  return setup;
}

double Layer::microseconds(int64_t tokens, int64_t slots) const noexcept {
  const auto cost = [](const Experts& experts, int64_t routes) {
    const auto bytes = static_cast<double>(std::min<int64_t>(experts.count(), routes)) *
                       static_cast<double>(experts.bytes_per_expert());
    return call_microseconds(bytes, experts.from_memory(),
                             3.0 * static_cast<double>(routes) * experts.hidden() * experts.width());
  };
  return cost(*routed_, tokens * slots) +
         (shared_ == nullptr ? 0 : cost(*shared_, tokens * shared_->count()));
}

int64_t Layer::block_tokens(int64_t slots) const {
  return std::min<int64_t>(options_.max_tokens, ExpertPass::block_tokens(setup_, slots));
}

void Layer::run_blocks(ExpertPass& pass, const MatrixView& hidden, const int32_t* ids, const float* weights,
                       int64_t slots, const OutputView& output) const {
  const int64_t block = block_tokens(slots);
  for (int64_t t = 0; t < hidden.rows; t += block) {
    const int64_t rows = std::min(block, hidden.rows - t);
    pass.run({hidden.row(t), rows, hidden.columns, hidden.stride},
             {ids + t * slots, weights + t * slots, slots},
             {output.row(t), rows, output.columns, output.stride}, t);
  }
}

void Layer::forward(const MatrixView& hidden, const dmoe_route_params* params,
                    const dmoe_layer_params* limits, const dmoe_routes* routes, const OutputView& output,
                    dmoe_batch_report* report) const {
  const ForwardCall call = check_forward(*router_, hidden, params, limits, routes, output, report);
  in_turn(microseconds(hidden.rows, call.routes.slots), [&] { forward_now(hidden, call, output, report); });
}

void Layer::forward_now(const MatrixView& hidden, const ForwardCall& checked, const OutputView& output,
                        dmoe_batch_report* report) const {
  const RouteCall& call = checked.route;
  const dmoe_layer_params& limit = checked.limits;
  const dmoe_routes& kept = checked.routes;
  const int64_t tokens = hidden.rows;
  const int64_t experts = router_->experts();
  const int64_t slots = kept.slots;
  const int64_t block = std::min(block_tokens(slots), std::max<int64_t>(1, tokens));
  const ExpertPassSetup setup = setup_of_call();
  Arena measure;
  { ForwardScratch(*this, call, limit, kept, measure); }
  { ExpertPass(setup, block, slots, measure); }
  WorkspacePool::Lease lease(workspaces_.pool(), measure.used());
  Arena arena = lease.arena();
  ForwardScratch scratch(*this, call, limit, kept, arena);
  ExpertPass pass(setup, block, slots, arena);

  RouteRows rows = rows_of(kept);
  rows.ids = scratch.ids;
  rows.weights = scratch.weights;
  rows.logits = scratch.logits;
  router_->route(hidden, call, rows);

  LimitResult limited;
  // Over the whole batch, as dmoe_router_limit does it: what a route loses does not depend on max_tokens.
  if (limits_anything(limit)) {
    limited =
        limit_routes(*router_, call, limit, {scratch.logits, tokens, experts, experts}, rows, scratch.limit);
  }
  run_blocks(pass, hidden, scratch.ids, scratch.weights, slots, output);

  count_routes(scratch.ids, tokens, kept.slots, router_->experts(), scratch.load);
  if (kept.expert_routes != nullptr) std::copy(scratch.load, scratch.load + experts, kept.expert_routes);
  dmoe_batch_report made = make_report(scratch.load, router_->experts(), tokens);
  made.overflow_routes = limited.overflow;
  made.dropped_routes = limited.dropped;
  write_report(made, report);
}

void Layer::execute(const MatrixView& hidden, const dmoe_routes* routes, const OutputView& output,
                    dmoe_batch_report* report) const {
  const dmoe_routes given = check_execute(*router_, hidden, routes, output, report);
  in_turn(microseconds(hidden.rows, given.slots), [&] { execute_now(hidden, given, output, report); });
}

void Layer::execute_now(const MatrixView& hidden, const dmoe_routes& given, const OutputView& output,
                        dmoe_batch_report* report) const {
  const int64_t tokens = hidden.rows;
  const int64_t bad = routed_->kernels().finite_rows({hidden.data, tokens, hidden.columns, hidden.stride});
  DMOE_REQUIRE(bad == tokens, DMOE_E_NOT_FINITE, "hidden: token %lld holds a value that is not finite",
               static_cast<long long>(bad));

  const int64_t experts = router_->experts();
  const int64_t block = std::min(block_tokens(given.slots), std::max<int64_t>(1, tokens));
  const ExpertPassSetup setup = setup_of_call();
  Arena measure;
  measure.take<int64_t>(size(experts));
  { ExpertPass(setup, block, given.slots, measure); }
  WorkspacePool::Lease lease(workspaces_.pool(), measure.used());
  Arena arena = lease.arena();
  int64_t* load = arena.take<int64_t>(size(experts));
  ExpertPass pass(setup, block, given.slots, arena);
  check_given_routes(*router_, given, load);
  run_blocks(pass, hidden, given.ids, given.weights, given.slots, output);
  count_routes(given.ids, tokens, given.slots, router_->experts(), load);
  write_report(make_report(load, router_->experts(), tokens), report);
}

}  // namespace dmoe
