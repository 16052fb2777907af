#include "support/test_layer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/activations.hpp"
#include "support/packed.hpp"

namespace dmoe::test {
namespace {

struct Product {
  double value;
  double error;
};

// Row `row` of a matrix [rows, k] times (x +- dx), with the bound on what the kernel may be off.
Product product(const std::vector<float>& matrix, const std::vector<float>& bias, int64_t row,
                const std::vector<double>& x, const std::vector<double>& dx) {
  const int64_t k = static_cast<int64_t>(x.size());
  double sum = bias.empty() ? 0 : static_cast<double>(bias[static_cast<size_t>(row)]);
  double magnitude = std::abs(sum), carried = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto w = static_cast<double>(matrix[static_cast<size_t>(row * k) + i]);
    sum += w * x[i];
    magnitude += std::abs(w) * (std::abs(x[i]) + dx[i]);
    carried += std::abs(w) * dx[i];
  }
  return {sum, carried + product_bound(k, magnitude)};
}

// What rounding h, known to +- dh, to the operands of a format adds to dh (experts.hpp).
void add_rounding(int32_t format, const std::vector<double>& h, std::vector<double>& dh) {
  for (size_t first = 0; first < h.size(); first += 32) {
    const size_t end = std::min(h.size(), first + 32);
    double largest = 0;
    for (size_t f = first; f < end; ++f) largest = std::max(largest, std::abs(h[f]) + dh[f]);
    for (size_t f = first; f < end; ++f) {
      if (format == DMOE_FORMAT_BF16) dh[f] += 0x1p-8 * (std::abs(h[f]) + dh[f]);
      if (format == DMOE_FORMAT_Q8 || format == DMOE_FORMAT_Q4) dh[f] += largest / 253;
    }
  }
}

}  // namespace

dmoe_routes Routing::view(int64_t tokens) {
  dmoe_routes r{};
  r.struct_size = sizeof r;
  r.slots = slots;
  r.tokens = tokens;
  r.ids = ids.data();
  r.weights = weights.data();
  return r;
}

TestLayer::TestLayer(const LayerSpec& spec, uint64_t seed) : spec_(spec) {
  Random random(seed);
  dmoe_router_options ro{};
  ro.struct_size = sizeof ro;
  ro.hidden = spec.hidden;
  ro.experts = spec.experts;
  ro.trained_k = spec.k;
  ro.groups = ro.top_groups = 1;
  ro.routed_scale = 1;
  ro.max_tokens = spec.max_tokens;
  ro.threads = spec.threads;
  ro.isa = spec.isa;
  const std::vector<float> gate = random.normals(int64_t{spec.experts} * spec.hidden, 0.3f);
  dmoe_router* router = nullptr;
  EXPECT_EQ(dmoe_router_create(&ro, gate.data(), nullptr, &router), DMOE_OK) << dmoe_last_error();
  router_.reset(router);

  dmoe_experts_options eo{};
  eo.struct_size = sizeof eo;
  eo.experts = spec.experts;
  eo.hidden = spec.hidden;
  eo.width = spec.kind == DMOE_EXPERT_LINEAR ? spec.hidden : spec.width;
  eo.kind = spec.kind;
  eo.format = spec.format;
  eo.use_bias = spec.bias;
  eo.isa = spec.isa;
  dmoe_experts* experts = nullptr;
  EXPECT_EQ(dmoe_experts_create(&eo, &experts), DMOE_OK) << dmoe_last_error();
  experts_.reset(experts);
  routed_ = fill(experts, spec.format, spec.experts, eo.width, random);

  dmoe_layer_options lo{};
  lo.struct_size = sizeof lo;
  lo.max_tokens = spec.max_tokens;
  lo.threads = spec.threads;
  if (spec.shared > 0) {
    eo.experts = spec.shared;
    eo.format = shared_format();
    if (spec.shared_width > 0) eo.width = spec.shared_width;
    dmoe_experts* shared = nullptr;
    EXPECT_EQ(dmoe_experts_create(&eo, &shared), DMOE_OK) << dmoe_last_error();
    shared_experts_.reset(shared);
    shared_ = fill(shared, shared_format(), spec.shared, eo.width, random);
    if (spec.shared_gate) shared_gate_ = random.normals(spec.hidden, 0.3f);
    lo.shared = shared;
    lo.shared_gate = spec.shared_gate ? shared_gate_.data() : nullptr;
  }
  dmoe_layer* layer = nullptr;
  EXPECT_EQ(dmoe_layer_create(&lo, router, experts, &layer), DMOE_OK) << dmoe_last_error();
  layer_.reset(layer);
}

std::vector<ExpertSource> TestLayer::fill(dmoe_experts* experts, int32_t format, int32_t count, int32_t width,
                                          Random& random) const {
  const int64_t d = spec_.hidden;
  const float in = 1 / std::sqrt(static_cast<float>(d));
  const float out = 1 / std::sqrt(static_cast<float>(width));
  const bool swiglu = spec_.kind == DMOE_EXPERT_SWIGLU;
  const bool linear = spec_.kind == DMOE_EXPERT_LINEAR;
  std::vector<ExpertSource> sources(static_cast<size_t>(count));
  for (int32_t e = 0; e < count; ++e) {
    ExpertSource& s = sources[static_cast<size_t>(e)];
    if (swiglu) s.gate = random.normals(width * d, in);
    s.up = random.normals(width * d, in);
    if (!linear) s.down = random.normals(d * width, out);
    if (spec_.bias) {
      if (swiglu) s.gate_bias = random.normals(width);
      s.up_bias = random.normals(width);
      if (!linear) s.down_bias = random.normals(d);
    }
    const auto pointer = [](const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); };
    const dmoe_expert_weights w{
        sizeof(dmoe_expert_weights), DMOE_DTYPE_F32,     pointer(s.gate),     pointer(s.up), pointer(s.down),
        pointer(s.gate_bias),        pointer(s.up_bias), pointer(s.down_bias)};
    EXPECT_EQ(dmoe_experts_set(experts, e, &w), DMOE_OK) << dmoe_last_error();
    s.gate = as_weights(std::move(s.gate), swiglu ? width : 0, d, format);
    s.up = as_weights(std::move(s.up), width, d, format);
    s.down = as_weights(std::move(s.down), linear ? 0 : d, width, format);
  }
  return sources;
}

void TestLayer::drop_parts() {
  router_.reset();
  experts_.reset();
  shared_experts_.reset();
}

dmoe_route_params TestLayer::params() const {
  dmoe_route_params p{};
  p.struct_size = sizeof p;
  p.min_experts = spec_.k;
  p.max_experts = spec_.k;
  p.tau = 0.3f;
  p.top_p = 0.9f;
  return p;
}

std::vector<float> TestLayer::tokens(int64_t count, uint64_t seed) const {
  return Random(seed).normals(count * spec_.hidden);
}

std::vector<float> TestLayer::forward(const std::vector<float>& x, Routing* routing,
                                      dmoe_batch_report* report) const {
  const int64_t count = static_cast<int64_t>(x.size()) / spec_.hidden;
  std::vector<float> y(x.size(), -77.0f);
  const dmoe_matrix_f32 in = matrix(x, spec_.hidden);
  const dmoe_output_f32 out = output(y, spec_.hidden);
  const dmoe_route_params p = params();
  dmoe_routes routes{};
  if (routing != nullptr) {
    routing->slots = spec_.k;
    routing->ids.assign(static_cast<size_t>(count * spec_.k), -9);
    routing->weights.assign(routing->ids.size(), -9.0f);
    routes = routing->view(count);
  }
  EXPECT_EQ(
      dmoe_layer_forward(layer(), &in, &p, nullptr, routing == nullptr ? nullptr : &routes, &out, report),
      DMOE_OK)
      << dmoe_last_error();
  return y;
}

dmoe_status TestLayer::execute(const std::vector<float>& x, Routing& routing, std::vector<float>& y) const {
  const dmoe_matrix_f32 in = matrix(x, spec_.hidden);
  y.resize(x.size(), -77.0f);
  const dmoe_output_f32 out = output(y, spec_.hidden);
  const dmoe_routes routes = routing.view(in.rows);
  return dmoe_layer_execute(layer(), &in, &routes, &out, nullptr);
}

void TestLayer::add_expert(const ExpertSource& s, int32_t format, int32_t width, const std::vector<double>& x,
                           double weight, Sum& sum) const {
  std::vector<double> h = x;
  std::vector<double> dh(x.size(), 0.0);
  const bool linear = spec_.kind == DMOE_EXPERT_LINEAR;
  if (!linear) {
    h.assign(static_cast<size_t>(width), 0.0);
    dh.assign(h.size(), 0.0);
    const std::vector<double> exact(x.size(), 0.0);
    for (int64_t f = 0; f < width; ++f) {
      const Product up = product(s.up, s.up_bias, f, x, exact);
      double value = activation(spec_.kind, up.value);
      double error = 1.13 * up.error + 0x1p-20 * std::abs(up.value) + 1e-36;
      if (spec_.kind == DMOE_EXPERT_SWIGLU) {
        const Product gate = product(s.gate, s.gate_bias, f, x, exact);
        const double silu = activation(DMOE_EXPERT_SILU, gate.value);
        value = silu * up.value;
        error = 1.1 * gate.error * (std::abs(up.value) + up.error) + std::abs(silu) * up.error +
                0x1p-20 * std::abs(value) + 1e-36;
      }
      h[static_cast<size_t>(f)] = value;
      dh[static_cast<size_t>(f)] = error;
    }
    add_rounding(format, h, dh);
  }
  for (int64_t d = 0; d < spec_.hidden; ++d) {
    const Product y = product(linear ? s.up : s.down, linear ? s.up_bias : s.down_bias, d, h, dh);
    sum.value[static_cast<size_t>(d)] += weight * y.value;
    sum.error[static_cast<size_t>(d)] += std::abs(weight) * y.error;
    sum.magnitude[static_cast<size_t>(d)] += std::abs(weight) * (std::abs(y.value) + y.error);
  }
}

void TestLayer::expect_close(const std::vector<float>& x, const Routing& routing,
                             const std::vector<float>& y) const {
  const size_t hidden = static_cast<size_t>(spec_.hidden);
  const int64_t count = static_cast<int64_t>(x.size()) / spec_.hidden;
  const InputRows stored(x, count, spec_.hidden, spec_.format);
  const InputRows shared_stored(x, count, spec_.hidden, shared_format());
  const int32_t shared_width = spec_.shared_width > 0 ? spec_.shared_width : spec_.width;
  for (size_t t = 0; t < x.size() / hidden; ++t) {
    std::vector<double> row(hidden), shared_row(hidden);
    double dot = 0, dot_magnitude = 0;
    for (size_t d = 0; d < hidden; ++d) {
      row[d] = stored.at(static_cast<int64_t>(t), static_cast<int64_t>(d));
      shared_row[d] = shared_stored.at(static_cast<int64_t>(t), static_cast<int64_t>(d));
      if (shared_gate_.empty()) continue;
      const double term = static_cast<double>(x[t * hidden + d]) * static_cast<double>(shared_gate_[d]);
      dot += term;
      dot_magnitude += std::abs(term);
    }
    Sum sum{std::vector<double>(hidden), std::vector<double>(hidden), std::vector<double>(hidden)};
    for (int32_t s = 0; s < routing.slots; ++s) {
      const size_t at = t * static_cast<size_t>(routing.slots) + static_cast<size_t>(s);
      if (routing.ids[at] < 0) continue;
      add_expert(routed_[static_cast<size_t>(routing.ids[at])], spec_.format, spec_.width, row,
                 static_cast<double>(routing.weights[at]), sum);
    }
    const double gate = shared_gate_.empty() ? 1 : 1 / (1 + std::exp(-dot));
    const double gate_error =
        shared_gate_.empty() ? 0 : gamma(spec_.hidden / 16 + 6) * dot_magnitude / 4 + 0x1p-20;
    Sum shared{std::vector<double>(hidden), std::vector<double>(hidden), std::vector<double>(hidden)};
    for (const ExpertSource& s : shared_) add_expert(s, shared_format(), shared_width, shared_row, 1, shared);
    for (size_t d = 0; d < hidden; ++d) {
      const double exact = sum.value[d] + gate * shared.value[d];
      const double magnitude = sum.magnitude[d] + shared.magnitude[d];
      const double bound = sum.error[d] + shared.error[d] + gate_error * shared.magnitude[d] +
                           gamma(routing.slots + spec_.shared + 1) * magnitude;
      ASSERT_LE(std::abs(static_cast<double>(y[t * hidden + d]) - exact), bound)
          << "token " << t << " column " << d;
    }
  }
}

}  // namespace dmoe::test
