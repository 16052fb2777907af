// Exports: routers.
#include "engine/router.hpp"

#include "abi/guard.hpp"
#include "abi/handles.hpp"
#include "core/views.hpp"
#include "engine/limit.hpp"

using namespace dmoe;

namespace {

dmoe_router_options default_options() {
  dmoe_router_options o{};
  o.trained_k = 1;
  o.groups = 1;
  o.top_groups = 1;
  o.routed_scale = 1.0f;
  o.max_tokens = 512;
  return o;
}

constexpr int kMostSpans = 9;

// The written and read ranges of a routing call, for the overlap check.
struct Ranges {
  Span outputs[kMostSpans];
  Span inputs[kMostSpans];
  int output_count = 0;
  int input_count = 0;

  void add_outputs(const dmoe_routes& r, int32_t experts) {
    const Span spans[] = {
        span_of(r.ids, r.tokens * r.slots, "routes.ids"),
        span_of(r.weights, r.tokens * r.slots, "routes.weights"),
        span_of(r.counts, r.tokens, "routes.counts"),
        span_of(r.scores, r.tokens, "routes.scores"),
        span_of(r.logits, r.tokens * experts, "routes.logits"),
        span_of(r.gaps, r.tokens * r.slots, "routes.gaps"),
        span_of(r.expert_routes, experts, "routes.expert_routes"),
    };
    for (const Span& span : spans) outputs[output_count++] = span;
  }
  void add_inputs(const dmoe_route_params& p, int64_t tokens, int32_t experts) {
    const Span spans[] = {
        span_of(p.scores, tokens, "params.scores"),
        span_of(p.counts, tokens, "params.counts"),
        span_of(p.token_taus, tokens, "params.token_taus"),
        span_of(p.positions, tokens, "params.positions"),
        span_of(p.selection_bias, experts, "params.selection_bias"),
        span_of(p.expert_mask, experts, "params.expert_mask"),
    };
    for (const Span& span : spans) inputs[input_count++] = span;
  }
  void check() const { require_disjoint(outputs, output_count, inputs, input_count); }
};

// Writes what the caller asked for of a batch's figures; cannot fail.
void write_figures(const dmoe_routes& routes, const int64_t* load, int32_t experts,
                   const LimitResult& limited, dmoe_batch_report* report) {
  if (routes.expert_routes)
    for (int32_t e = 0; e < experts; ++e) routes.expert_routes[e] = load[e];
  if (report == nullptr) return;
  dmoe_batch_report figures = make_report(load, experts, routes.tokens);
  figures.overflow_routes = limited.overflow;
  figures.dropped_routes = limited.dropped;
  write_struct(&figures, report, sizeof figures);
}

// The shared course of dmoe_router_route and dmoe_router_select.
template <typename Run>
void run_batch(const Router& router, const MatrixView& input, const char* input_name,
               const dmoe_route_params* params, const dmoe_routes* routes, dmoe_batch_report* report,
               Run run) {
  const dmoe_routes checked = router.check_routes(routes, input.rows, 1);
  const RouteRows rows = rows_of(checked);
  const RouteCall call = router.check(params, input.rows, rows);
  DMOE_REQUIRE(rows.slots >= call.params.max_experts, DMOE_E_SHAPE,
               "routes.slots is %d, must be >= max_experts (%d)", rows.slots, call.params.max_experts);
  if (report) read_struct(report, dmoe_batch_report{}, "report");
  Ranges ranges;
  ranges.add_outputs(checked, router.experts());
  ranges.add_inputs(call.params, input.rows, router.experts());
  ranges.inputs[ranges.input_count++] = span_of(input, input_name);
  ranges.check();

  run(call, rows);
  if (checked.expert_routes == nullptr && report == nullptr) return;
  int64_t load[4096];
  count_routes(checked.ids, checked.tokens, checked.slots, router.experts(), load);
  write_figures(checked, load, router.experts(), LimitResult{}, report);
}

// Routes handed in must be usable as they are: ids in range, weights finite.
void check_decided(const dmoe_routes& r, int32_t experts) {
  for (int64_t i = 0; i < r.tokens * r.slots; ++i) {
    const auto token = static_cast<long long>(i / r.slots), slot = static_cast<long long>(i % r.slots);
    DMOE_REQUIRE(r.ids[i] >= -1 && r.ids[i] < experts, DMOE_E_ARGUMENT,
                 "routes.ids of token %lld, slot %lld is %d, must be within -1..%d", token, slot, r.ids[i],
                 experts - 1);
    DMOE_REQUIRE(r.ids[i] < 0 || first_not_finite(r.weights + i, 1) < 0, DMOE_E_NOT_FINITE,
                 "routes.weights of token %lld, slot %lld is %g, must be finite", token, slot,
                 static_cast<double>(r.weights[i]));
  }
}

}  // namespace

dmoe_status dmoe_router_create(const dmoe_router_options* options, const float* weights, const float* bias,
                               dmoe_router** router) {
  return guard("router_create", [&] {
    require_pointer(options, "options");
    require_pointer(router, "router");
    const auto read = read_struct(options, default_options(), "options");
    auto handle = std::make_unique<dmoe_router>();
    handle->engine = std::make_shared<const Router>(read, weights, bias);
    *router = handle.release();
  });
}

void dmoe_router_destroy(dmoe_router* router) { delete router; }

dmoe_status dmoe_router_logits(const dmoe_router* router, const dmoe_matrix_f32* hidden,
                               const dmoe_output_f32* logits) {
  return guard("router_logits", [&] {
    require_pointer(router, "router");
    const Router& engine = *router->engine;
    const MatrixView input = view(hidden, "hidden");
    const OutputView output = view(logits, "logits");
    engine.check_hidden(input);
    DMOE_REQUIRE(output.rows == input.rows && output.columns == engine.experts(), DMOE_E_SHAPE,
                 "logits is [%lld, %lld], must be [%lld, %d]", static_cast<long long>(output.rows),
                 static_cast<long long>(output.columns), static_cast<long long>(input.rows),
                 engine.experts());
    const Span out = span_of(output, "logits"), in = span_of(input, "hidden");
    require_disjoint(&out, 1, &in, 1);
    engine.run_logits(input, output);
  });
}

dmoe_status dmoe_router_route(const dmoe_router* router, const dmoe_matrix_f32* hidden,
                              const dmoe_route_params* params, const dmoe_routes* routes,
                              dmoe_batch_report* report) {
  return guard("router_route", [&] {
    require_pointer(router, "router");
    const Router& engine = *router->engine;
    const MatrixView input = view(hidden, "hidden");
    engine.check_hidden(input);
    run_batch(engine, input, "hidden", params, routes, report,
              [&](const RouteCall& call, const RouteRows& rows) { engine.route(input, call, rows); });
  });
}

dmoe_status dmoe_router_select(const dmoe_router* router, const dmoe_matrix_f32* logits,
                               const dmoe_route_params* params, const dmoe_routes* routes,
                               dmoe_batch_report* report) {
  return guard("router_select", [&] {
    require_pointer(router, "router");
    const Router& engine = *router->engine;
    const MatrixView input = view(logits, "logits");
    engine.check_logits(input);
    run_batch(engine, input, "logits", params, routes, report,
              [&](const RouteCall& call, const RouteRows& rows) { engine.select(input, call, rows); });
  });
}

dmoe_status dmoe_router_limit(const dmoe_router* router, const dmoe_matrix_f32* logits,
                              const dmoe_route_params* params, const dmoe_layer_params* limits,
                              const dmoe_routes* routes, dmoe_batch_report* report) {
  return guard("router_limit", [&] {
    require_pointer(router, "router");
    require_pointer(limits, "limits");
    const Router& engine = *router->engine;
    const MatrixView input = view(logits, "logits");
    engine.check_logits(input);
    const dmoe_routes checked = engine.check_routes(routes, input.rows, 1);
    require_limitable(checked.tokens, checked.slots);
    const RouteRows rows = rows_of(checked);
    const RouteCall call = engine.check(params, input.rows, rows);
    const dmoe_layer_params checked_limits = check_limits(limits);
    require_satisfiable(checked_limits, call, checked.slots);
    if (report) read_struct(report, dmoe_batch_report{}, "report");
    Ranges ranges;
    ranges.add_outputs(checked, engine.experts());
    ranges.add_inputs(call.params, input.rows, engine.experts());
    // routes.logits is not written here, and is what `logits` usually is.
    const bool own_logits = checked.logits == input.data;
    if (!own_logits) ranges.inputs[ranges.input_count++] = span_of(input, "logits");
    ranges.check();
    check_decided(checked, engine.experts());
    for (int64_t t = 0; t < input.rows; ++t) {
      const int64_t bad = first_not_finite(input.row(t), engine.experts());
      DMOE_REQUIRE(bad < 0, DMOE_E_NOT_FINITE, "logits of token %lld hold %g at expert %lld, must be finite",
                   static_cast<long long>(t), static_cast<double>(input.row(t)[bad]),
                   static_cast<long long>(bad));
    }
    Arena measure;
    lay_limit(measure, engine, checked.tokens, checked.slots);
    WorkspacePool::Lease lease(engine.workspaces(), measure.used());
    Arena arena = lease.arena();
    const LimitScratch scratch = lay_limit(arena, engine, checked.tokens, checked.slots);
    const LimitResult limited = limit_routes(engine, call, checked_limits, input, rows, scratch);
    write_figures(checked, scratch.load, engine.experts(), limited, report);
  });
}

dmoe_status dmoe_router_workspaces(const dmoe_router* router, dmoe_workspaces* workspaces) {
  return guard("router_workspaces", [&] {
    require_pointer(router, "router");
    read_struct(workspaces, dmoe_workspaces{}, "workspaces");
    const WorkspaceFigures figures = router->engine->workspaces().figures();
    dmoe_workspaces answer{};
    answer.struct_size = sizeof answer;
    answer.blocks = figures.blocks;
    answer.in_use = figures.in_use;
    answer.most_in_use = figures.most_in_use;
    answer.bytes = figures.bytes;
    answer.leases = figures.leases;
    answer.allocations = figures.allocations;
    write_struct(&answer, workspaces, sizeof answer);
  });
}

dmoe_status dmoe_router_keep_workspaces(const dmoe_router* router, int32_t idle) {
  return guard("router_keep_workspaces", [&] {
    require_pointer(router, "router");
    require_option(idle, 0, 1024, "idle");
    router->engine->keep_workspaces(idle);
  });
}
