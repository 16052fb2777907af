// What does one layer_forward cost, next to the FLOPs and the weight bytes that it cannot avoid?
// Rates: gflops = 6 D F per route; weights_gb = packed bytes of the distinct experts of a call.
// T = 1 walks over 64 tokens, so that the experts touched change from call to call as in decoding.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dynamicmoe/dynamicmoe.h"

namespace {

struct Shape {
  const char* name;
  int32_t hidden, width, experts, k;
};
constexpr Shape kShapes[] = {{"S", 256, 512, 8, 2},
                             {"M", 768, 3072, 8, 2},
                             {"O", 2048, 1024, 64, 8},
                             {"Q", 2048, 768, 128, 8},
                             {"X", 4096, 14336, 8, 2}};
constexpr const char* kFormatNames[] = {"f32", "bf16", "q8", "q4"};

void require(dmoe_status status) {
  if (status == DMOE_OK) return;
  std::fprintf(stderr, "%s: %s\n", dmoe_status_name(status), dmoe_last_error());
  std::exit(1);
}

// Random and never zero; xorshift, because filling the weights should not take longer than the benchmark.
struct Noise {
  uint64_t state = 88172645463325252u;
  float next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (static_cast<float>(state >> 40) - 8388607.5f) * 0x1p-23f;
  }
  std::vector<float> values(int64_t count, float scale) {
    std::vector<float> v(static_cast<size_t>(count));
    for (float& x : v) x = next() * scale;
    return v;
  }
};

struct Layer {
  Shape shape;
  int32_t format;
  int64_t expert_bytes = 0;
  std::unique_ptr<dmoe_router, decltype(&dmoe_router_destroy)> router{nullptr, dmoe_router_destroy};
  std::unique_ptr<dmoe_experts, decltype(&dmoe_experts_destroy)> experts{nullptr, dmoe_experts_destroy};
  std::unique_ptr<dmoe_layer, decltype(&dmoe_layer_destroy)> layer{nullptr, dmoe_layer_destroy};

  Layer(const Shape& s, int32_t f) : shape(s), format(f) {
    Noise noise;
    dmoe_router_options ro{};
    ro.struct_size = sizeof ro;
    ro.hidden = s.hidden;
    ro.experts = s.experts;
    ro.trained_k = s.k;
    ro.groups = ro.top_groups = 1;
    ro.routed_scale = 1;
    ro.max_tokens = 512;
    const auto gate = noise.values(int64_t{s.experts} * s.hidden, 0.1f);
    dmoe_router* r = nullptr;
    require(dmoe_router_create(&ro, gate.data(), nullptr, &r));
    router.reset(r);
    dmoe_experts_options eo{};
    eo.struct_size = sizeof eo;
    eo.experts = s.experts;
    eo.hidden = s.hidden;
    eo.width = s.width;
    eo.format = f;
    dmoe_experts* e = nullptr;
    require(dmoe_experts_create(&eo, &e));
    experts.reset(e);
    for (int32_t i = 0; i < s.experts; ++i) {
      const float scale = 1 / std::sqrt(static_cast<float>(s.hidden));
      const auto weights = noise.values(3 * int64_t{s.hidden} * s.width, scale);
      dmoe_expert_weights w{};
      w.struct_size = sizeof w;
      w.gate = weights.data();
      w.up = weights.data() + int64_t{s.hidden} * s.width;
      w.down = weights.data() + 2 * int64_t{s.hidden} * s.width;
      require(dmoe_experts_set(e, i, &w));
    }
    require(dmoe_experts_bytes(e, &expert_bytes));
    dmoe_layer_options lo{};
    lo.struct_size = sizeof lo;
    lo.max_tokens = 512;
    dmoe_layer* l = nullptr;
    require(dmoe_layer_create(&lo, r, e, &l));
    layer.reset(l);
  }
};

// One layer lives at a time: the large ones would not fit beside each other everywhere.
const Layer& layer_of(const Shape& shape, int32_t format) {
  static std::unique_ptr<Layer> current;
  if (current == nullptr || current->shape.name != shape.name || current->format != format) {
    current.reset();
    current = std::make_unique<Layer>(shape, format);
  }
  return *current;
}

void layer_forward(benchmark::State& state, const Shape& shape, int32_t format, int64_t tokens, int threads) {
  const Layer& l = layer_of(shape, format);
  require(dmoe_runtime_set_threads(threads));
  constexpr int64_t kBatches = 64;
  const int64_t batches = tokens == 1 ? kBatches : 1;
  Noise noise;
  const auto x = noise.values(tokens * batches * shape.hidden, 1.7f);
  std::vector<float> y(static_cast<size_t>(tokens * shape.hidden));
  dmoe_route_params p{};
  p.struct_size = sizeof p;
  p.min_experts = p.max_experts = shape.k;
  p.top_p = 1;
  dmoe_batch_report report{};
  report.struct_size = sizeof report;
  const dmoe_output_f32 out{sizeof out, y.data(), tokens, shape.hidden, shape.hidden};
  double bytes = 0, flops = 0;
  int64_t batch = 0;
  const auto call = [&] {
    const float* data = x.data() + batch * tokens * shape.hidden;
    const dmoe_matrix_f32 in{sizeof in, data, tokens, shape.hidden, shape.hidden};
    require(dmoe_layer_forward(l.layer.get(), &in, &p, nullptr, nullptr, &out, &report));
    batch = (batch + 1) % batches;
  };
  for (int64_t i = 0; i < batches; ++i) call();
  for (auto _ : state) {
    call();
    bytes += static_cast<double>(report.distinct_experts * l.expert_bytes);
    flops += 6.0 * shape.hidden * shape.width * static_cast<double>(report.routes);
  }
  state.counters["gflops"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsRate);
  state.counters["weights_gb"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  for (const Shape& shape : kShapes) {
    for (int32_t format : {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4}) {
      if (shape.name[0] == 'X' && format == DMOE_FORMAT_F32) continue;  // 5.6 GB
      for (int threads : {1, 2}) {
        for (int64_t tokens : {1, 8, 64, 512}) {
          const std::string name = std::string("layer_forward/") + shape.name + "/" + kFormatNames[format] +
                                   "/threads:" + std::to_string(threads) +
                                   "/tokens:" + std::to_string(tokens);
          benchmark::RegisterBenchmark(
              name.c_str(),
              [=](benchmark::State& state) { layer_forward(state, shape, format, tokens, threads); })
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
        }
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
