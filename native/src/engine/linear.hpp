// A packed dense product y = x W^T + b: what dmoe_linear stands for.
#ifndef DYNAMICMOE_ENGINE_LINEAR_HPP_
#define DYNAMICMOE_ENGINE_LINEAR_HPP_

#include <cstdint>

#include "core/memory.hpp"
#include "core/views.hpp"
#include "core/workspace.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "engine/kernel_table.hpp"

namespace dmoe {

class Linear {
 public:
  /** Checks the options and packs the weights. Throws DMOE_E_ARGUMENT, OPTIONS, NOT_FINITE, BACKEND,
   * std::bad_alloc. */
  explicit Linear(const dmoe_linear_options& options);
  Linear(const Linear&) = delete;
  Linear& operator=(const Linear&) = delete;
  ~Linear();

  /** y = x W^T + b for any number of rows. @param threads most threads, 0 = the pool's */
  void run(const MatrixView& input, int32_t threads, const OutputView& output) const;

 private:
  void run_now(const MatrixView& input, int32_t threads, const OutputView& output) const;
  bool from_memory() const noexcept;
  bool bf16() const noexcept { return options_.format == DMOE_FORMAT_BF16; }
  std::size_t packed_bytes() const noexcept { return static_cast<std::size_t>(panels_ * panel_bytes_); }

  dmoe_linear_options options_;
  const KernelTable* kernels_;
  int64_t panels_;
  int64_t panel_bytes_;
  std::byte* packed_ = nullptr;
  Buffer<float> bias_;  // padded to whole panels, or empty
  mutable WorkspacePool workspaces_;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_LINEAR_HPP_
