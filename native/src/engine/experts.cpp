#include "engine/experts.hpp"

#include <algorithm>

#include "core/views.hpp"
#include "engine/cpu.hpp"
#include "engine/packing.hpp"

namespace dmoe {
namespace {

// The kernels' switch over kinds (ops/experts/experts.inl) is written with these values.
static_assert(DMOE_EXPERT_SWIGLU == 0 && DMOE_EXPERT_GELU == 1 && DMOE_EXPERT_GELU_TANH == 2 &&
              DMOE_EXPERT_RELU == 3 && DMOE_EXPERT_SILU == 4);

const char* in_format(int32_t format) {
  switch (format) {
    case DMOE_FORMAT_BF16:
      return " in bfloat16";
    case DMOE_FORMAT_Q8:
      return " in q8 (largest magnitude 8319008)";
    case DMOE_FORMAT_Q4:
      return " in q4 (largest magnitude 458528)";
    default:
      return "";
  }
}

void require_finite(const WeightMatrix& matrix, int32_t format, int32_t expert, const char* name) {
  const int64_t row = first_bad_row(matrix, format);
  DMOE_REQUIRE(row < 0, DMOE_E_NOT_FINITE, "expert %d: %s row %lld holds a value that is not finite%s",
               expert, name, static_cast<long long>(row), in_format(format));
}

void require_finite(const float* bias, int64_t count, int32_t expert, const char* name) {
  if (bias == nullptr) return;
  const int64_t index = first_not_finite(bias, count);
  DMOE_REQUIRE(index < 0, DMOE_E_NOT_FINITE, "expert %d: %s element %lld is not finite", expert, name,
               static_cast<long long>(index));
}

void require_presence(const void* pointer, bool wanted, int32_t expert, const char* name, const char* why) {
  DMOE_REQUIRE((pointer != nullptr) == wanted, DMOE_E_ARGUMENT, "expert %d: %s must %sbe NULL %s", expert,
               name, wanted ? "not " : "", why);
}

// Copies `count` biases to the columns that pack_gate_up or pack_panels gave their rows; NULL reads as zeros.
void pack_bias(const float* bias, int64_t count, bool interleaved, int64_t offset, float* out) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t column = interleaved ? i / 16 * 32 + i % 16 + offset : i;
    out[column] = bias == nullptr ? 0.0f : bias[i];
  }
}

}  // namespace

Experts::Experts(const dmoe_experts_options& options) : Experts(options, LayoutOnly{}) {
  owned_ = static_cast<std::byte*>(allocate(static_cast<std::size_t>(packed_bytes())));
  memory_ = owned_;
}

Experts::Experts(const dmoe_experts_options& options, const void* packed, int64_t bytes)
    : Experts(options, LayoutOnly{}) {
  require_pointer(packed, "packed");
  DMOE_REQUIRE(reinterpret_cast<uintptr_t>(packed) % kAlignment == 0, DMOE_E_ARGUMENT,
               "packed must be aligned to %zu bytes", kAlignment);
  DMOE_REQUIRE(bytes == packed_bytes(), DMOE_E_SHAPE, "packed has %lld bytes, these options take %lld",
               static_cast<long long>(bytes), static_cast<long long>(packed_bytes()));
  memory_ = static_cast<const std::byte*>(packed);
  std::fill(is_set_.data(), is_set_.data() + is_set_.size(), uint8_t{1});
}

Experts::Experts(const dmoe_experts_options& options, LayoutOnly)
    : options_(options), kernels_(&kernel_table(resolve_isa(options.isa))) {
  require_option(options.experts, 1, 4096, "experts");
  require_option(options.hidden, 1, 1 << 20, "hidden");
  require_option(options.width, 1, 1 << 20, "width");
  require_option(options.kind, DMOE_EXPERT_SWIGLU, DMOE_EXPERT_LINEAR, "kind");
  require_option(options.format, DMOE_FORMAT_F32, DMOE_FORMAT_Q4, "format");
  require_option(options.use_bias, 0, 1, "use_bias");
  DMOE_REQUIRE(!linear() || options.width == options.hidden, DMOE_E_OPTIONS,
               "width is %d, must be hidden (%d) for linear experts", options.width, options.hidden);
  const int64_t padded_width = (int64_t{options.width} + 15) / 16 * 16;
  if (!linear())
    up_panels_ = panels_for(options.kind == DMOE_EXPERT_SWIGLU ? 2 * padded_width : options.width);
  down_panels_ = panels_for(options.hidden);
  up_panel_bytes_ = panel_bytes(options.format, options.hidden);
  down_panel_bytes_ = panel_bytes(options.format, options.width);
  bytes_ = up_panels_ * up_panel_bytes_ + down_panels_ * down_panel_bytes_;
  if (options.use_bias) bytes_ += (up_panels_ + down_panels_) * 32 * static_cast<int64_t>(sizeof(float));
  checked_product(bytes_, count(), "packed weights");
  from_memory_ = packed_bytes() > cpu_info().l3_bytes / 2;
  is_set_ = Buffer<uint8_t>(static_cast<std::size_t>(options.experts));
}

Experts::~Experts() { release(owned_, static_cast<std::size_t>(packed_bytes())); }

ExpertView Experts::view(int64_t expert) const noexcept {
  const std::byte* base = memory_ + expert * bytes_;
  const std::byte* down = base + up_panels_ * up_panel_bytes_;
  const auto* bias = reinterpret_cast<const float*>(down + down_panels_ * down_panel_bytes_);
  if (!options_.use_bias) return {base, down, nullptr, nullptr};
  return {base, down, bias, bias + up_panels_ * 32};
}

void Experts::run_up(const ExpertsUp& task) const {
  switch (options_.format) {
    case DMOE_FORMAT_F32:
      return kernels_->experts_up_f32(task);
    case DMOE_FORMAT_BF16:
      return kernels_->experts_up_bf16(task);
    case DMOE_FORMAT_Q8:
      return kernels_->experts_up_q8(task);
    default:
      return kernels_->experts_up_q4(task);
  }
}

void Experts::run_down(const ExpertsDown& task) const {
  switch (options_.format) {
    case DMOE_FORMAT_F32:
      return kernels_->experts_down_f32(task);
    case DMOE_FORMAT_BF16:
      return kernels_->experts_down_bf16(task);
    case DMOE_FORMAT_Q8:
      return kernels_->experts_down_q8(task);
    default:
      return kernels_->experts_down_q4(task);
  }
}

void Experts::round_inputs(const Rows& rows, std::byte* operands) const {
  const int64_t stride = input_row_bytes();
  if (options_.format == DMOE_FORMAT_BF16) {
    kernels_->round_rows({rows, reinterpret_cast<uint16_t*>(operands), stride / 2});
    return;
  }
  const int32_t offset = options_.format == DMOE_FORMAT_Q8 ? kQ8Offset : kQ4Offset;
  kernels_->quantise_rows({rows, reinterpret_cast<QuantBlock*>(operands),
                           stride / static_cast<int64_t>(sizeof(QuantBlock)), offset});
}

int32_t Experts::first_missing() const noexcept {
  for (int32_t e = 0; e < count(); ++e) {
    if (!is_set_[static_cast<std::size_t>(e)]) return e;
  }
  return -1;
}

const std::byte* Experts::packed() const {
  const int32_t missing = first_missing();
  DMOE_REQUIRE(missing < 0, DMOE_E_STATE, "expert %d has no weights", missing);
  return memory_;
}

void Experts::set(int32_t expert, const dmoe_expert_weights& w) {
  DMOE_REQUIRE(owned_ != nullptr, DMOE_E_STATE, "the weights are mapped and cannot be changed");
  DMOE_REQUIRE(expert >= 0 && expert < count(), DMOE_E_SHAPE, "expert is %d, must be within 0..%d", expert,
               count() - 1);
  DMOE_REQUIRE(w.dtype >= DMOE_DTYPE_F32 && w.dtype <= DMOE_DTYPE_F16, DMOE_E_ARGUMENT,
               "expert %d: dtype is %d, must be within 0..2", expert, w.dtype);
  const bool swiglu = options_.kind == DMOE_EXPERT_SWIGLU;
  require_presence(w.gate, swiglu, expert, "gate", "for this kind");
  require_presence(w.up, true, expert, "up", "for any kind");
  require_presence(w.down, !linear(), expert, "down", "for this kind");
  if (!swiglu) require_presence(w.gate_bias, false, expert, "gate_bias", "for this kind");
  if (linear()) require_presence(w.down_bias, false, expert, "down_bias", "for linear experts");
  if (!options_.use_bias) {
    require_presence(w.gate_bias, false, expert, "gate_bias", "because use_bias is 0");
    require_presence(w.up_bias, false, expert, "up_bias", "because use_bias is 0");
    require_presence(w.down_bias, false, expert, "down_bias", "because use_bias is 0");
  }
  const WeightMatrix gate{w.gate, w.dtype, width(), hidden()};
  const WeightMatrix up{w.up, w.dtype, width(), hidden()};
  const WeightMatrix down{w.down, w.dtype, hidden(), width()};
  require_finite(gate, options_.format, expert, "gate");
  require_finite(up, options_.format, expert, "up");
  require_finite(down, options_.format, expert, "down");
  require_finite(w.gate_bias, width(), expert, "gate_bias");
  require_finite(w.up_bias, width(), expert, "up_bias");
  require_finite(w.down_bias, hidden(), expert, "down_bias");

  std::byte* base = owned_ + expert * bytes_;
  std::byte* down_panels = base + up_panels_ * up_panel_bytes_;
  if (swiglu) {
    pack_gate_up(gate, up, options_.format, base);
  } else if (!linear()) {
    pack_panels(up, options_.format, base);
  }
  pack_panels(linear() ? up : down, options_.format, down_panels);
  if (options_.use_bias) {
    auto* bias = reinterpret_cast<float*>(down_panels + down_panels_ * down_panel_bytes_);
    std::fill(bias, bias + (up_panels_ + down_panels_) * 32, 0.0f);
    if (swiglu) pack_bias(w.gate_bias, width(), true, 0, bias);
    if (!linear()) pack_bias(w.up_bias, width(), swiglu, swiglu ? 16 : 0, bias);
    pack_bias(linear() ? w.up_bias : w.down_bias, hidden(), false, 0, bias + up_panels_ * 32);
  }
  is_set_[static_cast<std::size_t>(expert)] = 1;
  ++version_;
}

}  // namespace dmoe
