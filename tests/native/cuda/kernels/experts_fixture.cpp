#include "cuda/kernels/experts_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "host/pack_weights.hpp"
#include "support/activations.hpp"
#include "support/packed.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kMultiprocessors = 3;

dmoe_experts_options options(const ExpertsSpec& spec) {
  dmoe_experts_options o{};
  o.struct_size = sizeof o;
  o.experts = spec.experts;
  o.hidden = spec.hidden;
  o.width = spec.width;
  o.kind = spec.kind;
  o.format = spec.format;
  o.use_bias = spec.bias;
  return o;
}

template <class T>
Buffer<T> filled(int64_t count, T value) {
  Buffer<T> buffer(static_cast<size_t>(count));
  std::fill(buffer.data(), buffer.data() + buffer.size(), value);
  return buffer;
}

}  // namespace

ExpertRows ExpertRows::of(const std::vector<int32_t>& counts, int32_t tokens, Random& random) {
  ExpertRows rows;
  rows.tokens = tokens;
  rows.offsets.push_back(0);
  for (const int32_t count : counts) {
    rows.total += count;
    rows.offsets.push_back(static_cast<int32_t>(rows.total));
    for (int32_t i = 0; i < count; ++i) rows.token_of.push_back(static_cast<int32_t>(random.below(tokens)));
  }
  return rows;
}

ExpertRows ExpertRows::shared(int32_t experts, int32_t tokens) {
  ExpertRows rows;
  rows.tokens = tokens;
  rows.total = int64_t{experts} * tokens;
  return rows;
}

int64_t ExpertRows::first(int32_t expert) const {
  return offsets.empty() ? int64_t{expert} * tokens : offsets[static_cast<size_t>(expert)];
}

int32_t ExpertRows::token(int64_t row) const {
  return offsets.empty() ? static_cast<int32_t>(row % tokens) : token_of[static_cast<size_t>(row)];
}

int32_t ExpertRows::expert(int64_t row) const {
  if (offsets.empty()) return static_cast<int32_t>(row / tokens);
  return static_cast<int32_t>(std::upper_bound(offsets.begin(), offsets.end(), row) - offsets.begin()) - 1;
}

DeviceRows::DeviceRows(int64_t row_count, int64_t column_count, bool as_halves, bool unaligned)
    : rows(row_count), columns(column_count), stride(cuda::up_to(column_count, 8) + 8), halves(as_halves) {
  if (unaligned) stride = column_count | 1;
  if (halves) {
    bf16 = filled<uint16_t>(rows * stride, 0x7fff);
  } else {
    floats = filled(rows * stride, std::numeric_limits<float>::quiet_NaN());
  }
}

DeviceRows::DeviceRows(const std::vector<float>& values, int64_t column_count, bool as_halves, bool unaligned)
    : DeviceRows(static_cast<int64_t>(values.size()) / column_count, column_count, as_halves, unaligned) {
  for (int64_t i = 0; i < rows * columns; ++i) {
    const int64_t to = i / columns * stride + i % columns;
    const float value = values[static_cast<size_t>(i)];
    if (halves) {
      bf16.data()[to] = to_bf16(value);
    } else {
      floats.data()[to] = value;
    }
  }
}

float DeviceRows::at(int64_t r, int64_t column) const {
  const int64_t i = r * stride + column;
  return halves ? from_bf16(bf16.data()[i]) : floats.data()[i];
}

std::vector<float> DeviceRows::row(int64_t r) const {
  std::vector<float> values;
  for (int64_t c = 0; c < columns; ++c) values.push_back(at(r, c));
  return values;
}

std::vector<float> DeviceRows::all() const {
  std::vector<float> values;
  for (int64_t i = 0; i < rows * stride; ++i) values.push_back(at(0, i));
  return values;
}

ExpertsFixture::ExpertsFixture(const ExpertsSpec& spec, uint64_t seed)
    : spec_(spec), experts_(options(spec)) {
  Random random(seed);
  const bool gated = spec.kind == DMOE_EXPERT_SWIGLU, linear = spec.kind == DMOE_EXPERT_LINEAR;
  const int64_t d = spec.hidden, f = spec.width;
  const auto matrix = [&](int64_t rows, int64_t k) {
    if (spec.constant != 0) return std::vector<float>(static_cast<size_t>(rows * k), spec.constant);
    return random.normals(rows * k, spec.scale > 0 ? spec.scale : 1 / std::sqrt(static_cast<float>(k)));
  };
  const int64_t bytes = cuda::expert_layout(experts_).bytes;
  weights_ = filled(bytes * spec.experts, std::byte{0x77});
  for (int32_t e = 0; e < spec.experts; ++e) {
    Source s;
    if (gated) s.gate = matrix(f, d);
    s.up = matrix(f, d);
    if (!linear) s.down = matrix(d, f);
    if (spec.bias) {
      if (gated) s.gate_bias = random.normals(f);
      s.up_bias = random.normals(f);
      if (!linear) s.down_bias = random.normals(d);
    }
    const auto pointer = [](const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); };
    experts_.set(e, {sizeof(dmoe_expert_weights), DMOE_DTYPE_F32, pointer(s.gate), pointer(s.up),
                     pointer(s.down), pointer(s.gate_bias), pointer(s.up_bias), pointer(s.down_bias)});
    cuda::pack_weights(experts_, e, weights_.data() + e * bytes);
    s.gate = as_weights(std::move(s.gate), gated ? f : 0, d, spec.format);
    s.up = as_weights(std::move(s.up), f, d, spec.format);
    s.down = as_weights(std::move(s.down), linear ? 0 : d, f, spec.format);
    sources_.push_back(std::move(s));
  }
}

cuda::ExpertsTask ExpertsFixture::task(const ExpertRows& rows, const DeviceRows& x) const {
  cuda::ExpertsTask t{};
  t.input = x.data();
  t.input_stride = x.stride;
  t.weights = reinterpret_cast<const uint8_t*>(weights_.data());
  t.expert_bytes = cuda::expert_layout(experts_).bytes;
  t.kind = spec_.kind;
  t.experts = spec_.experts;
  t.hidden_size = spec_.hidden;
  t.width = spec_.width;
  t.use_bias = spec_.bias;
  t.offsets = rows.offsets.empty() ? nullptr : rows.offsets.data();
  t.token_of = rows.offsets.empty() ? nullptr : rows.token_of.data();
  t.tokens = rows.tokens;
  return t;
}

void ExpertsFixture::launch(KernelRunner& runner, ExpertsSide side, ExpertsTile tile,
                            const cuda::ExpertsTask& task, const ExpertRows& rows, uint32_t blocks) const {
  const cuda::ExpertsLaunch launch =
      cuda::experts_launch(spec_.format, side, tile, task, rows.total, kMultiprocessors);
  runner.launch(launch.entry, {blocks == 0 ? launch.blocks : blocks}, {launch.threads}, 0, task);
}

DeviceRows ExpertsFixture::up(KernelRunner& runner, ExpertsTile tile, const ExpertRows& rows,
                              const DeviceRows& x, uint32_t blocks) const {
  DeviceRows h(rows.total, spec_.width, halves());
  cuda::ExpertsTask t = task(rows, x);
  t.h = h.data();
  t.h_stride = h.stride;
  launch(runner, ExpertsSide::kUp, tile, t, rows, blocks);
  return h;
}

DeviceRows ExpertsFixture::down(KernelRunner& runner, ExpertsTile tile, const ExpertRows& rows,
                                const DeviceRows& x, const DeviceRows& h, uint32_t blocks) const {
  DeviceRows y(rows.total, spec_.hidden, false, true);
  cuda::ExpertsTask t = task(rows, x);
  t.h = const_cast<void*>(h.data());  // the up product's output, read here
  t.h_stride = h.stride;
  t.y = y.floats.data();
  t.y_stride = y.stride;
  launch(runner, ExpertsSide::kDown, tile, t, rows, blocks);
  return y;
}

double ExpertsFixture::sum_bound(int64_t k, double magnitude) const {
  const double tiny = static_cast<double>(k + 1) * 0x1p-126;
  const double blocks = static_cast<double>((k + 31) / 32);
  const auto mma = [](double products) { return 3 * products * 0x1p-24 / (1 - 3 * products * 0x1p-24); };
  switch (spec_.format) {
    case DMOE_FORMAT_F32:
      return product_bound(k, magnitude);
    case DMOE_FORMAT_BF16:
      return (mma(32 * blocks) + 0x1p-23) * magnitude + tiny;
    default:  // one rounding more for the reference's own product of value and scale
      return (mma(32) + gamma(static_cast<int64_t>(blocks) + 3)) * magnitude + tiny;
  }
}

ExpertsFixture::Sum ExpertsFixture::sum(const std::vector<float>& matrix, const std::vector<float>& bias,
                                        int64_t row, const std::vector<float>& x) const {
  double value = bias.empty() ? 0 : static_cast<double>(bias[static_cast<size_t>(row)]);
  double magnitude = std::abs(value);
  const float* w = matrix.data() + static_cast<size_t>(row) * x.size();
  for (size_t k = 0; k < x.size(); ++k) {
    const double term = static_cast<double>(x[k]) * static_cast<double>(w[k]);
    value += term;
    magnitude += std::abs(term);
  }
  return {value, sum_bound(static_cast<int64_t>(x.size()), magnitude)};
}

void ExpertsFixture::expect_up(const ExpertRows& rows, const DeviceRows& x, const DeviceRows& h) const {
  for (int64_t r = 0; r < rows.total; ++r) {
    const std::vector<float> row = x.row(rows.token(r));
    const Source& s = sources_[static_cast<size_t>(rows.expert(r))];
    for (int64_t f = 0; f < spec_.width; ++f) {
      const Sum up = sum(s.up, s.up_bias, f, row);
      double value = activation(spec_.kind, up.value);
      double bound = 1.13 * up.error + 0x1p-20 * std::abs(up.value) + 1e-36;
      if (spec_.kind == DMOE_EXPERT_SWIGLU) {
        const Sum gate = sum(s.gate, s.gate_bias, f, row);
        const double silu = activation(DMOE_EXPERT_SILU, gate.value);
        value = silu * up.value;
        bound = 1.1 * gate.error * (std::abs(up.value) + up.error) + std::abs(silu) * up.error +
                0x1p-20 * std::abs(value) + 1e-36;
      }
      if (halves()) bound += 0x1p-8 * (std::abs(value) + bound) + 0x1p-134;
      ASSERT_LE(std::abs(static_cast<double>(h.at(r, f)) - value), bound)
          << "h of row " << r << " column " << f << " kind " << spec_.kind << " format " << spec_.format;
    }
  }
}

void ExpertsFixture::expect_down(const ExpertRows& rows, const DeviceRows& x, const DeviceRows& h,
                                 const DeviceRows& y) const {
  const bool linear = spec_.kind == DMOE_EXPERT_LINEAR;
  for (int64_t r = 0; r < rows.total; ++r) {
    const std::vector<float> row = linear ? x.row(rows.token(r)) : h.row(r);
    const Source& s = sources_[static_cast<size_t>(rows.expert(r))];
    for (int64_t d = 0; d < spec_.hidden; ++d) {
      const Sum exact = sum(linear ? s.up : s.down, linear ? s.up_bias : s.down_bias, d, row);
      ASSERT_LE(std::abs(static_cast<double>(y.at(r, d)) - exact.value), exact.error)
          << "y of row " << r << " column " << d << " kind " << spec_.kind << " format " << spec_.format;
    }
  }
}

}  // namespace dmoe::test
