// What does a call of dmoe_layer_forward's signature cost before it does anything? The same call from C# is
// BorderBenchmarks of DynamicMoE.Benchmarks; the difference is what managed code pays for the border.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "dynamicmoe/dynamicmoe.h"

namespace {

constexpr int32_t kHidden = 512, kExperts = 8, kSlots = 2;

void require(dmoe_status status) {
  if (status == DMOE_OK) return;
  std::fprintf(stderr, "%s: %s\n", dmoe_status_name(status), dmoe_last_error());
  std::exit(1);
}

// The call reads no weights, but takes a complete layer.
dmoe_layer* make_layer() {
  const std::vector<float> weights(int64_t{kHidden} * kExperts, 0.5f);
  dmoe_router_options ro{};
  ro.struct_size = sizeof ro;
  ro.hidden = kHidden;
  ro.experts = kExperts;
  ro.trained_k = kSlots;
  ro.groups = ro.top_groups = 1;
  ro.routed_scale = 1;
  ro.max_tokens = 1;
  dmoe_router* router = nullptr;
  require(dmoe_router_create(&ro, weights.data(), nullptr, &router));
  dmoe_experts_options eo{};
  eo.struct_size = sizeof eo;
  eo.experts = kExperts;
  eo.hidden = kHidden;
  eo.width = 1;
  eo.kind = DMOE_EXPERT_RELU;
  dmoe_experts* experts = nullptr;
  require(dmoe_experts_create(&eo, &experts));
  dmoe_expert_weights w{};
  w.struct_size = sizeof w;
  w.up = w.down = weights.data();
  for (int32_t e = 0; e < kExperts; ++e) require(dmoe_experts_set(experts, e, &w));
  dmoe_layer_options lo{};
  lo.struct_size = sizeof lo;
  lo.max_tokens = 1;
  dmoe_layer* layer = nullptr;
  require(dmoe_layer_create(&lo, router, experts, &layer));
  dmoe_router_destroy(router);
  dmoe_experts_destroy(experts);
  return layer;
}

// Structs are filled for each call, as a caller in C would do it.
void border_noop(benchmark::State& state) {
  dmoe_layer* const layer = make_layer();
  std::vector<float> x(kHidden, 1.0f), y(kHidden), weights(kSlots), scores(1);
  std::vector<int32_t> ids(kSlots), counts(1);
  std::vector<int64_t> load(kExperts);
  for (auto _ : state) {
    const dmoe_matrix_f32 in{sizeof in, x.data(), 1, kHidden, kHidden};
    const dmoe_output_f32 out{sizeof out, y.data(), 1, kHidden, kHidden};
    dmoe_route_params p{};
    p.struct_size = sizeof p;
    p.min_experts = p.max_experts = kSlots;
    p.top_p = 1;
    dmoe_routes r{};
    r.struct_size = sizeof r;
    r.slots = kSlots;
    r.tokens = 1;
    r.ids = ids.data();
    r.weights = weights.data();
    r.counts = counts.data();
    r.scores = scores.data();
    r.expert_routes = load.data();
    dmoe_batch_report report{};
    report.struct_size = sizeof report;
    require(dmoe_layer_noop(layer, &in, &p, nullptr, &r, &out, &report));
    benchmark::DoNotOptimize(report);
  }
  dmoe_layer_destroy(layer);
}
BENCHMARK(border_noop);

}  // namespace
