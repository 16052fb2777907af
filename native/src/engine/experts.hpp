// A set of packed experts: what dmoe_experts stands for.
#ifndef DYNAMICMOE_ENGINE_EXPERTS_HPP_
#define DYNAMICMOE_ENGINE_EXPERTS_HPP_

#include <cstdint>

#include "core/memory.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "engine/kernel_table.hpp"
#include "engine/packing.hpp"

namespace dmoe {

/** One expert's packed weights. LINEAR has `down` only: it holds `up`, because the output comes of it. */
struct ExpertView {
  const std::byte* up;     // panels of [K = hidden], gate and up interleaved for SwiGLU
  const std::byte* down;   // panels of [K = width]
  const float* up_bias;    // in the order of the panels' columns, or nullptr
  const float* down_bias;  // likewise
};

class Experts {
 public:
  /** Checks the options and takes the memory. Throws DMOE_E_OPTIONS, DMOE_E_BACKEND, std::bad_alloc. */
  explicit Experts(const dmoe_experts_options& options);
  /** Checks the options and reads the weights in place: `bytes` as packed() of another set has them, which
   * must outlive this object. Throws DMOE_E_OPTIONS, ARGUMENT, SHAPE, BACKEND, std::bad_alloc. */
  Experts(const dmoe_experts_options& options, const void* packed, int64_t bytes);
  Experts(const Experts&) = delete;
  Experts& operator=(const Experts&) = delete;
  ~Experts();

  /** Checks, then packs one expert; nothing changes on failure. Throws DMOE_E_STATE on weights read in place.
   */
  void set(int32_t expert, const dmoe_expert_weights& weights);
  /** Grows with every set(): copies made of the weights tell by it whether they are those of now. */
  int64_t version() const noexcept { return version_; }
  /** @return the lowest expert without weights, or -1. */
  int32_t first_missing() const noexcept;
  ExpertView view(int64_t expert) const noexcept;
  /** The weights of all experts, one after another. Throws DMOE_E_STATE while one has none. */
  const std::byte* packed() const;
  int64_t packed_bytes() const noexcept { return bytes_ * count(); }

  int32_t count() const noexcept { return options_.experts; }
  int32_t hidden() const noexcept { return options_.hidden; }
  int32_t width() const noexcept { return options_.width; }
  int32_t kind() const noexcept { return options_.kind; }
  int32_t format() const noexcept { return options_.format; }
  bool linear() const noexcept { return options_.kind == DMOE_EXPERT_LINEAR; }
  int64_t bytes_per_expert() const noexcept { return bytes_; }
  /** Whether the set is too large to stay in cache from one call to the next. */
  bool from_memory() const noexcept { return from_memory_; }
  int64_t up_panels() const noexcept { return up_panels_; }
  int64_t down_panels() const noexcept { return down_panels_; }
  int64_t up_panel_bytes() const noexcept { return up_panel_bytes_; }
  int64_t down_panel_bytes() const noexcept { return down_panel_bytes_; }
  /** Columns of h that one up panel yields. */
  int64_t panel_width() const noexcept { return options_.kind == DMOE_EXPERT_SWIGLU ? 16 : 32; }
  /** Bytes of an input row as the products take it, and of a row of h: all columns that the panels yield. */
  int64_t input_row_bytes() const noexcept { return operand_bytes(options_.format, options_.hidden); }
  int64_t hidden_row_bytes() const noexcept {
    return operand_bytes(options_.format, up_panels_ * panel_width());
  }
  /** Bytes of h that the columns of `panels` up panels take; a multiple of 2 panels in q8 and q4. */
  int64_t hidden_bytes(int64_t panels) const noexcept {
    return operand_bytes(options_.format, panels * panel_width());
  }
  /** Runs one up or down product with the format's kernel. */
  void run_up(const ExpertsUp& task) const;
  void run_down(const ExpertsDown& task) const;
  /** Rounds float rows to the format's operands, rows input_row_bytes() apart. Not for f32. */
  void round_inputs(const Rows& rows, std::byte* operands) const;
  const KernelTable& kernels() const noexcept { return *kernels_; }

 private:
  struct LayoutOnly {};
  Experts(const dmoe_experts_options& options, LayoutOnly);

  dmoe_experts_options options_;
  const KernelTable* kernels_;
  int64_t up_panels_ = 0;
  int64_t down_panels_ = 0;
  int64_t up_panel_bytes_ = 0;
  int64_t down_panel_bytes_ = 0;
  int64_t bytes_ = 0;  // of one expert: up panels, down panels, up bias, down bias
  bool from_memory_ = false;
  std::byte* owned_ = nullptr;         // nullptr when the weights are read in place
  const std::byte* memory_ = nullptr;  // owned_, or the caller's
  Buffer<uint8_t> is_set_;
  int64_t version_ = 0;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_EXPERTS_HPP_
