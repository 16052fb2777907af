#include "engine/forward_call.hpp"

#include <algorithm>
#include <cmath>

#include "core/status.hpp"
#include "engine/limit.hpp"

namespace dmoe {
namespace {

void check_matrices(const Router& router, const MatrixView& hidden, const OutputView& output) {
  router.check_hidden(hidden);
  DMOE_REQUIRE(output.rows == hidden.rows && output.columns == hidden.columns, DMOE_E_SHAPE,
               "output is [%lld, %lld], hidden is [%lld, %lld]", static_cast<long long>(output.rows),
               static_cast<long long>(output.columns), static_cast<long long>(hidden.rows),
               static_cast<long long>(hidden.columns));
}

// No output may share memory with an input or another output. @param params of a forward call, which writes
// the routes; nullptr: they are read
void check_apart(const Router& router, const MatrixView& hidden, const OutputView& output,
                 const dmoe_routes& routes, const dmoe_route_params* params) {
  const int64_t tokens = hidden.rows;
  const int64_t experts = router.experts();
  const int64_t cells = checked_product(tokens, routes.slots, "routes");
  const Span ids = span_of(routes.ids, cells, "routes.ids");
  const Span weights = span_of(routes.weights, cells, "routes.weights");
  const Span out = span_of(output, "output");
  if (params == nullptr) {
    const Span read[] = {span_of(hidden, "hidden"), ids, weights};
    require_disjoint(&out, 1, read, 3);
    return;
  }
  const Span written[] = {out,
                          ids,
                          weights,
                          span_of(routes.counts, tokens, "routes.counts"),
                          span_of(routes.scores, tokens, "routes.scores"),
                          span_of(routes.logits, checked_product(tokens, experts, "logits"), "routes.logits"),
                          span_of(routes.gaps, cells, "routes.gaps"),
                          span_of(routes.expert_routes, experts, "routes.expert_routes")};
  const Span read[] = {span_of(hidden, "hidden"),
                       span_of(params->scores, tokens, "params.scores"),
                       span_of(params->counts, tokens, "params.counts"),
                       span_of(params->token_taus, tokens, "params.token_taus"),
                       span_of(params->positions, tokens, "params.positions"),
                       span_of(params->selection_bias, experts, "params.selection_bias"),
                       span_of(params->expert_mask, experts, "params.expert_mask")};
  require_disjoint(written, 8, read, 7);
}

}  // namespace

ForwardCall check_forward(const Router& router, const MatrixView& hidden, const dmoe_route_params* params,
                          const dmoe_layer_params* limits, const dmoe_routes* routes,
                          const OutputView& output, const dmoe_batch_report* report) {
  check_matrices(router, hidden, output);
  ForwardCall call;
  call.limits = check_limits(limits);
  if (report != nullptr) read_struct(report, dmoe_batch_report{}, "report");
  dmoe_routes& kept = call.routes;
  if (routes != nullptr) kept = router.check_routes(routes, hidden.rows, 1);
  call.route = router.check(params, hidden.rows, rows_of(kept));
  const int32_t most = call.route.params.max_experts;
  if (routes == nullptr) kept.slots = most;
  DMOE_REQUIRE(kept.slots >= most, DMOE_E_SHAPE, "routes.slots is %d, must be >= max_experts (%d)",
               kept.slots, most);
  check_apart(router, hidden, output, kept, &call.route.params);
  require_satisfiable(call.limits, call.route, kept.slots);
  if (limits_anything(call.limits)) require_limitable(hidden.rows, kept.slots);
  return call;
}

dmoe_routes check_execute(const Router& router, const MatrixView& hidden, const dmoe_routes* routes,
                          const OutputView& output, const dmoe_batch_report* report) {
  check_matrices(router, hidden, output);
  const dmoe_routes given = router.check_routes(routes, hidden.rows, 1);
  check_apart(router, hidden, output, given, nullptr);
  if (report != nullptr) read_struct(report, dmoe_batch_report{}, "report");
  return given;
}

void check_given_routes(const Router& router, const dmoe_routes& routes, int64_t* last_token) {
  const int64_t experts = router.experts();
  std::fill(last_token, last_token + experts, int64_t{-1});
  for (int64_t t = 0; t < routes.tokens; ++t) {
    for (int64_t s = 0; s < routes.slots; ++s) {
      const int32_t id = routes.ids[t * routes.slots + s];
      DMOE_REQUIRE(id >= -1 && id < experts, DMOE_E_ARGUMENT,
                   "token %lld slot %lld: expert id is %d, must be within -1..%lld",
                   static_cast<long long>(t), static_cast<long long>(s), id,
                   static_cast<long long>(experts - 1));
      if (id < 0) continue;
      DMOE_REQUIRE(last_token[id] != t, DMOE_E_ARGUMENT, "token %lld: expert %d is given twice",
                   static_cast<long long>(t), id);
      DMOE_REQUIRE(std::isfinite(routes.weights[t * routes.slots + s]), DMOE_E_NOT_FINITE,
                   "token %lld slot %lld: the weight is not finite", static_cast<long long>(t),
                   static_cast<long long>(s));
      last_token[id] = t;
    }
  }
}

void write_report(const dmoe_batch_report& made, dmoe_batch_report* report) {
  if (report != nullptr) write_struct(&made, report, sizeof made);
}

}  // namespace dmoe
