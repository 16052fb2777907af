// What a router refuses: options, parameters, and the arrays that they point to.
#include <algorithm>
#include <cmath>

#include "core/rules.hpp"
#include "core/status.hpp"
#include "engine/router.hpp"

namespace dmoe {
namespace {

void require_finite_option(float value, const char* name) {
  DMOE_REQUIRE(std::isfinite(value), DMOE_E_OPTIONS, "%s is %g, must be finite", name,
               static_cast<double>(value));
}

void require_unit_values(const float* values, int64_t count, const char* name) {
  for (int64_t i = 0; i < count; ++i) {
    DMOE_REQUIRE(std::isfinite(values[i]), DMOE_E_NOT_FINITE, "%s[%lld] of token %lld is %g", name,
                 static_cast<long long>(i), static_cast<long long>(i), static_cast<double>(values[i]));
    DMOE_REQUIRE(values[i] >= 0 && values[i] <= 1, DMOE_E_ARGUMENT, "%s[%lld] is %g, must be within 0..1",
                 name, static_cast<long long>(i), static_cast<double>(values[i]));
  }
}

dmoe_route_params default_params() {
  dmoe_route_params p{};
  p.min_experts = 1;
  p.max_experts = 1;
  p.tau = 0.3f;
  p.top_p = 1.0f;
  return p;
}

void check_scalars(const dmoe_route_params& p, int32_t experts) {
  require_option(p.strategy, DMOE_STRATEGY_TOP_K, DMOE_STRATEGY_TOP_P, "strategy");
  require_option(p.weighting, DMOE_WEIGHT_RENORMALIZE, DMOE_WEIGHT_RAW, "weighting");
  require_option(p.score_source, DMOE_SCORE_HALF, DMOE_SCORE_ROUTER_ENTROPY, "score_source");
  require_option(p.max_experts, 1, experts, "max_experts");
  require_option(p.min_experts, 1, p.max_experts, "min_experts");
  require_finite_option(p.count_offset, "count_offset");
  require_finite_option(p.noise_factor, "noise_factor");
  DMOE_REQUIRE(p.noise_factor >= 0, DMOE_E_OPTIONS, "noise_factor is %g, must be >= 0",
               static_cast<double>(p.noise_factor));
  if (p.strategy == DMOE_STRATEGY_THRESHOLD)
    DMOE_REQUIRE(p.tau >= 0 && p.tau <= 1, DMOE_E_OPTIONS, "tau is %g, must be within 0..1",
                 static_cast<double>(p.tau));
  if (p.strategy == DMOE_STRATEGY_TOP_P)
    DMOE_REQUIRE(p.top_p > 0 && p.top_p <= 1, DMOE_E_OPTIONS, "top_p is %g, must be > 0 and <= 1",
                 static_cast<double>(p.top_p));
}

// Fewest usable experts that any choice of groups can leave.
int64_t least_usable(const dmoe_router_options& options, const uint8_t* mask) {
  const int32_t size = options.experts / options.groups;
  int32_t per_group[4096];
  for (int32_t g = 0; g < options.groups; ++g) {
    per_group[g] = 0;
    for (int32_t e = g * size; e < (g + 1) * size; ++e) per_group[g] += mask == nullptr || mask[e] != 0;
  }
  std::sort(per_group, per_group + options.groups);
  int64_t sum = 0;
  for (int32_t g = 0; g < options.top_groups; ++g) sum += per_group[g];
  return sum;
}

}  // namespace

RouteCall Router::check(const dmoe_route_params* params, int64_t tokens, const RouteRows& rows) const {
  RouteCall call;
  call.params = read_struct(params, default_params(), "params");
  call.tokens = tokens;
  const dmoe_route_params& p = call.params;
  const int32_t experts = options_.experts;
  check_scalars(p, experts);

  if (p.score_source == DMOE_SCORE_SUPPLIED) {
    DMOE_REQUIRE(p.scores != nullptr || tokens == 0, DMOE_E_ARGUMENT,
                 "params.scores is NULL with score_source 1");
    require_unit_values(p.scores, tokens, "scores");
  }
  if (p.strategy == DMOE_STRATEGY_THRESHOLD && p.token_taus)
    require_unit_values(p.token_taus, tokens, "token_taus");
  if (p.selection_bias) {
    const int64_t bad = first_not_finite(p.selection_bias, experts);
    DMOE_REQUIRE(bad < 0, DMOE_E_NOT_FINITE, "selection_bias[%lld] is %g", static_cast<long long>(bad),
                 static_cast<double>(p.selection_bias[bad]));
  }

  int32_t alive = experts;
  if (p.expert_mask)
    alive = static_cast<int32_t>(experts - std::count(p.expert_mask, p.expert_mask + experts, 0));
  DMOE_REQUIRE(alive >= p.min_experts, DMOE_E_BALANCE,
               "expert_mask leaves %d usable experts, min_experts is %d", alive, p.min_experts);
  const int64_t in_groups = int64_t{options_.top_groups} * (experts / options_.groups);
  DMOE_REQUIRE(in_groups >= p.min_experts, DMOE_E_BALANCE,
               "%d groups of %d leave %lld usable experts, min_experts is %d", options_.top_groups,
               experts / options_.groups, static_cast<long long>(in_groups), p.min_experts);
  call.check_balance = p.expert_mask && options_.top_groups < options_.groups &&
                       least_usable(options_, p.expert_mask) < p.min_experts;

  call.gap_limit = static_cast<float>(-std::log(static_cast<double>(p.tau)));
  call.ranked = p.max_experts;
  if (p.weighting == DMOE_WEIGHT_TRAINED_SCALE) call.ranked = std::max(call.ranked, options_.trained_k);
  if (rows.gaps) call.ranked = std::max(call.ranked, std::min(rows.slots, experts));
  return call;
}

dmoe_routes Router::check_routes(const dmoe_routes* routes, int64_t tokens, int32_t slots) const {
  const auto r = read_struct(routes, dmoe_routes{}, "routes");
  DMOE_REQUIRE(r.tokens == tokens, DMOE_E_SHAPE, "routes.tokens is %lld, must be %lld",
               static_cast<long long>(r.tokens), static_cast<long long>(tokens));
  DMOE_REQUIRE(r.slots >= std::max(1, slots), DMOE_E_SHAPE, "routes.slots is %d, must be >= max_experts (%d)",
               r.slots, std::max(1, slots));
  checked_product(tokens, checked_product(std::max(r.slots, options_.experts), sizeof(float), "routes"),
                  "routes");
  if (tokens > 0) {
    require_pointer(r.ids, "routes.ids");
    require_pointer(r.weights, "routes.weights");
  }
  return r;
}

void Router::check_hidden(const MatrixView& hidden) const {
  DMOE_REQUIRE(hidden.columns == options_.hidden, DMOE_E_SHAPE,
               "hidden has %lld columns, the router's hidden size is %d",
               static_cast<long long>(hidden.columns), options_.hidden);
}

void Router::check_logits(const MatrixView& logits) const {
  DMOE_REQUIRE(logits.columns == options_.experts, DMOE_E_SHAPE,
               "logits has %lld columns, the router has %d experts", static_cast<long long>(logits.columns),
               options_.experts);
}

}  // namespace dmoe
