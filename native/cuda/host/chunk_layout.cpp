#include "host/chunk.hpp"
#include "kernels/launch.hpp"
#include "kernels/weights.hpp"

namespace dmoe::cuda {
namespace {

// Bytes handed out one after another, each array aligned as device memory is.
class Offsets {
 public:
  template <typename T>
  std::size_t take(bool wanted, int64_t count) {
    return wanted ? take_bytes(static_cast<std::size_t>(count) * sizeof(T)) : ChunkLayout::kNone;
  }
  std::size_t take_bytes(std::size_t bytes) {
    const std::size_t at = used_;
    used_ = (used_ + bytes + 255) / 256 * 256;
    return at;
  }
  std::size_t used() const noexcept { return used_; }

 private:
  std::size_t used_ = 0;
};

}  // namespace

ChunkLayout::ChunkLayout(const ChunkSetup& setup, const ChunkShape& shape) {
  const int64_t tokens = shape.tokens, cells = tokens * shape.slots, hidden = setup.router->hidden();
  const int64_t experts = setup.router->experts();
  Offsets at;

  dmoe_route_params params{};
  if (shape.call != nullptr) params = shape.call->params;
  const bool top_k = params.strategy == DMOE_STRATEGY_TOP_K,
             threshold = params.strategy == DMOE_STRATEGY_THRESHOLD;
  const bool supplied = params.score_source == DMOE_SCORE_SUPPLIED && !shape.given_scores;
  in_values = at.take<RouteValues>(shape.routes, 1);
  in_scores = at.take<float>(shape.routes && supplied, tokens);
  in_counts = at.take<int32_t>(shape.routes && top_k && params.counts != nullptr, tokens);
  in_gap_limits = at.take<float>(shape.routes && threshold && params.token_taus != nullptr, tokens);
  in_positions = at.take<int64_t>(shape.routes && params.positions != nullptr, tokens);
  in_bias = at.take<float>(shape.routes && params.selection_bias != nullptr, experts);
  in_mask = at.take<uint8_t>(shape.routes && params.expert_mask != nullptr, experts);
  in_ids = at.take<int32_t>(!shape.routes, cells);
  in_weights = at.take<float>(!shape.routes, cells);
  in_hidden =
      at.take<float>(shape.takes_hidden, tokens * hidden);  // last: its used part is all that is copied

  outputs = at.used();
  failures = at.take<Failures>(true, 1);
  // Arrivals begin with the value of no failure: what lies behind the failures is cleared with them.
  const auto count = static_cast<int32_t>(tokens);
  const auto padded = static_cast<int32_t>(setup.router->padded_experts());
  const bool slices = shape.routes && route_slices(count, padded) > 1;
  arrivals = at.take<int32_t>(slices, ceil_div(count, kRouteTokens));
  cleared = slices ? at.used() - failures : sizeof(Failures);
  offsets = at.take<int32_t>(shape.runs, experts + 1);
  ids = at.take<int32_t>(shape.gives_routes, cells);
  weights = at.take<float>(shape.gives_routes, cells);
  counts = at.take<int32_t>(shape.counts, tokens);
  scores = at.take<float>(shape.scores, tokens);
  gaps = at.take<float>(shape.gaps, cells);
  logits = at.take<float>(shape.logits, tokens * experts);
  out = at.take<float>(shape.gives_output, tokens * hidden);

  scratch = at.used();
  sliced_logits = at.take<float>(slices, tokens * padded);
  own_ids = at.take<int32_t>(shape.routes && !shape.gives_routes, cells);
  own_weights = at.take<float>(shape.routes && !shape.gives_routes, cells);
  const DeviceExperts& routed = *setup.routed;
  const DeviceExperts* const shared = setup.shared;
  const bool runs = shape.runs;
  const bool rounds = !routed.floats() || (shared != nullptr && !shared->floats());
  const int64_t routes = tokens * shape.used_slots,
                shared_rows = shared == nullptr ? 0 : tokens * shared->count();
  rounded = at.take<uint16_t>(runs && rounds, tokens * up_to(hidden, kBlock));
  tile_counts = at.take<int32_t>(runs, experts * plan_tiles(static_cast<int32_t>(tokens), shape.slots));
  token_of = at.take<int32_t>(runs, routes);
  rows = at.take<int32_t>(runs, cells);
  h = runs ? at.take_bytes(routed.h_bytes(routes)) : kNone;
  y = at.take<float>(runs, routes * hidden);
  shared_h = runs && shared != nullptr ? at.take_bytes(shared->h_bytes(shared_rows)) : kNone;
  shared_y = at.take<float>(runs && shared != nullptr, shared_rows * hidden);
  shared_weights = at.take<float>(runs && setup.shared_gate != nullptr, tokens);
  bytes = at.used();
}

}  // namespace dmoe::cuda
