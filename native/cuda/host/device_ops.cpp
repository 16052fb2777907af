#include "host/device_ops.hpp"

#include <cmath>

#include "core/status.hpp"
#include "core/views.hpp"
#include "host/program.hpp"
#include "kernels/launch.hpp"

namespace dmoe::cuda {
namespace {

template <typename T>
T* pointer(uint64_t address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

LaunchShape shape_of(const Launch& launch) { return {launch.x, launch.y, launch.threads, launch.shared}; }

void require_rows(int64_t rows, int64_t columns, int64_t stride, const char* name) {
  DMOE_REQUIRE(rows >= 0 && rows <= INT32_MAX, DMOE_E_SHAPE, "params.rows is %lld, must be within 0..%d",
               static_cast<long long>(rows), INT32_MAX);
  DMOE_REQUIRE(columns >= 1 && columns <= INT32_MAX, DMOE_E_SHAPE,
               "params.columns is %lld, must be within 1..%d", static_cast<long long>(columns), INT32_MAX);
  DMOE_REQUIRE(stride >= columns, DMOE_E_SHAPE, "params.%s is %lld, must be >= columns (%lld)", name,
               static_cast<long long>(stride), static_cast<long long>(columns));
  checked_product(rows, stride, "params");
}

void require_address(uint64_t address, const char* name, bool needed) {
  DMOE_REQUIRE(!needed || address != 0, DMOE_E_ARGUMENT, "params.%s is 0", name);
  DMOE_REQUIRE(address % sizeof(float) == 0, DMOE_E_ARGUMENT, "params.%s is not aligned to 4 bytes", name);
}

void require_factor(float value, bool zero_allowed, const char* name) {
  DMOE_REQUIRE(std::isfinite(value) && (value > 0 || (zero_allowed && value == 0)), DMOE_E_OPTIONS,
               "%s is %g, must be finite and %s 0", name, static_cast<double>(value),
               zero_allowed ? ">=" : ">");
}

void check_score(const dmoe_device_score_params& p) {
  require_option(p.kind, DMOE_DEVICE_SCORE_L2_NORM, DMOE_DEVICE_SCORE_ATTENTION_ENTROPY, "kind");
  require_rows(p.rows, p.columns, p.row_stride, "row_stride");
  require_address(p.data, "data", p.rows > 0);
  require_address(p.scores, "scores", p.rows > 0);
  const bool attention = p.kind == DMOE_DEVICE_SCORE_ATTENTION_ENTROPY;
  if (attention || p.kind == DMOE_DEVICE_SCORE_SOFTMAX_ENTROPY)
    require_factor(p.temperature, false, "temperature");
  if (!attention) return;
  require_factor(p.epsilon, true, "epsilon");
  require_option(p.heads, 1, 65536, "heads");
  require_option(p.aggregation, DMOE_HEADS_MEAN, DMOE_HEADS_MIN, "aggregation");
  require_address(p.visible, "visible", false);
  DMOE_REQUIRE(p.rows % p.heads == 0, DMOE_E_SHAPE,
               "attention has %lld rows, must be a multiple of heads (%d)", static_cast<long long>(p.rows),
               p.heads);
}

const char* entry_of(int32_t kind) {
  switch (kind) {
    case DMOE_DEVICE_SCORE_L2_NORM:
      return "dmoe_score_l2";
    case DMOE_DEVICE_SCORE_SOFTMAX_ENTROPY:
      return "dmoe_score_entropy";
    case DMOE_DEVICE_SCORE_SOFTMAX_MARGIN:
      return "dmoe_score_margin";
    default:
      return "dmoe_score_attention";
  }
}

// Throws what the kernels found.
void require_no_failure(const Failures& found) {
  DMOE_REQUIRE(found.not_finite == kNoFailure, DMOE_E_NOT_FINITE, "row %d holds a value that is not finite",
               found.not_finite);
  DMOE_REQUIRE(found.negative == kNoFailure, DMOE_E_ARGUMENT, "attention row %d holds a value below 0",
               found.negative);
  DMOE_REQUIRE(found.overflow == kNoFailure, DMOE_E_OVERFLOW,
               "the norm of row %d exceeds the range of float32", found.overflow);
}

}  // namespace

void score(const Device& device, const dmoe_device_score_params& p, StreamHandle stream) {
  check_score(p);
  device.context().require_alive();
  if (p.rows == 0) return;
  const Current current(device.context());
  require_not_captured(device.context(), stream);
  const StreamHandle used = stream == nullptr ? device.own_stream() : stream;
  const bool attention = p.kind == DMOE_DEVICE_SCORE_ATTENTION_ENTROPY;
  constexpr std::size_t kFailureBytes = 256;
  const OrderedBuffer scratch(device.pool(),
                              kFailureBytes + (attention ? static_cast<std::size_t>(p.rows) * 4 : 0), used,
                              "scratch of a score");
  auto task = blank<ScoreTask>();
  task.data = pointer<const float>(p.data);
  task.stride = p.row_stride;
  task.rows = static_cast<int32_t>(p.rows);
  task.columns = static_cast<int32_t>(p.columns);
  task.scores = pointer<float>(attention ? scratch.address() + kFailureBytes : p.scores);
  task.temperature = p.temperature;
  task.epsilon = p.epsilon;
  task.normalise = p.kind == DMOE_DEVICE_SCORE_SOFTMAX_ENTROPY ? 1 : 0;
  task.failures = pointer<Failures>(scratch.address());
  Program program;
  program.fill("clear of failures", scratch.address(), static_cast<uint32_t>(kNoFailure),
               sizeof(Failures) / sizeof(uint32_t));
  program.launch("score", device.kernels().at(entry_of(p.kind)), shape_of(launch_score(task)), task);
  if (attention) {
    auto heads = blank<HeadsTask>();
    heads.entropies = task.scores;
    heads.visible = pointer<const int32_t>(p.visible);
    heads.tokens = static_cast<int32_t>(p.rows / p.heads);
    heads.heads = p.heads;
    heads.keys = task.columns;
    heads.aggregation = p.aggregation;
    heads.scores = pointer<float>(p.scores);
    program.launch("score: heads", device.kernels().at("dmoe_score_heads"), shape_of(launch_heads(heads)),
                   heads);
  }
  Failures found{};
  if (stream == nullptr) program.copy_out("score", &found, scratch.address(), sizeof found);
  program.enqueue(device.context(), used, device.checks_ops());
  if (stream != nullptr) return;
  device.wait(used, "score");
  require_no_failure(found);
}

void norm(const Device& device, const dmoe_device_norm_params& p, StreamHandle stream) {
  require_rows(p.rows, p.columns, p.input_stride, "input_stride");
  require_rows(p.rows, p.columns, p.output_stride, "output_stride");
  require_address(p.input, "input", p.rows > 0);
  require_address(p.output, "output", p.rows > 0);
  require_address(p.weight, "weight", false);
  require_address(p.bias, "bias", false);
  require_option(p.centered, 0, 1, "centered");
  require_factor(p.epsilon, true, "epsilon");
  DMOE_REQUIRE(p.centered != 0 || p.bias == 0, DMOE_E_ARGUMENT, "params.bias is given, but centered is 0");
  device.context().require_alive();
  if (p.rows == 0) return;
  const Current current(device.context());
  auto task = blank<NormTask>();
  task.in = pointer<const float>(p.input);
  task.in_stride = p.input_stride;
  task.rows = static_cast<int32_t>(p.rows);
  task.columns = static_cast<int32_t>(p.columns);
  task.weight = pointer<const float>(p.weight);
  task.bias = pointer<const float>(p.bias);
  task.epsilon = p.epsilon;
  task.out = pointer<float>(p.output);
  task.out_stride = p.output_stride;
  const char* const entry = p.centered != 0 ? "dmoe_layer_norm" : "dmoe_rms_norm";
  Program program;
  program.launch("norm", device.kernels().at(entry), shape_of(launch_norm(task)), task);
  const StreamHandle used = stream == nullptr ? device.own_stream() : stream;
  program.enqueue(device.context(), used, device.checks_ops());
  if (stream == nullptr) device.wait(used, "norm");
}

}  // namespace dmoe::cuda
