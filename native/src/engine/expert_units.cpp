// The products of a pass: how they are cut into units, what a unit does, and who is to blame for a result
// that is not finite.
#include <algorithm>

#include "core/thread_pool.hpp"
#include "engine/expert_pass.hpp"

namespace dmoe {
namespace {

constexpr uint64_t kOnlySum = uint64_t{1} << 31;

// Output panels of a unit of the down product. Few rows: wide units, because each expert's part of a unit is
// one run of memory. Many: more units, for balance.
int64_t down_panels_limit(int64_t rows) { return rows <= 64 ? 64 : 4; }

}  // namespace

// Units of about equal realised work: a panel costs its bytes while few rows use it, and its products beyond
// that.
void ExpertPass::cut_units() {
  const auto panel_cost = [](const Work& w) {
    return w.experts->up_panel_bytes() * std::clamp<int64_t>(w.rows, 8, kUpRows);
  };
  int64_t total = 0;
  for (int64_t i = 0; i < work_count_; ++i) {
    const int64_t blocks = (work_[i].rows + kUpRows - 1) / kUpRows;
    total += panel_cost(work_[i]) * work_[i].experts->up_panels() * blocks;
  }
  const int64_t share = total / (setup_.threads * kUnitsPerThread) + 1;
  unit_start_[0] = 0;
  for (int64_t i = 0; i < work_count_; ++i) {
    Work& w = work_[i];
    const int64_t panels = w.experts->up_panels();
    const int64_t wanted = share / std::max<int64_t>(1, panel_cost(w));
    w.panels_per_unit = std::max(kUpGroupPanels, wanted / kUpGroupPanels * kUpGroupPanels);
    w.panel_units = (panels + w.panels_per_unit - 1) / w.panels_per_unit;
    unit_start_[i + 1] = unit_start_[i] + w.panel_units * ((w.rows + kUpRows - 1) / kUpRows);
  }
  const int64_t rows = std::max<int64_t>(1, routed_rows_ + shared_count_ * tokens_);
  const int64_t units = (rows <= 64 ? 2 : 4) * setup_.threads;
  const int64_t fit = scratch_floats_ / (rows * kPanelColumns);
  down_panels_ =
      std::clamp<int64_t>(std::min(setup_.routed->down_panels() / units, fit), 1, down_panels_limit(rows));
}

void ExpertPass::up_unit(int64_t unit, int worker) {
  const int64_t* next = std::upper_bound(unit_start_ + 1, unit_start_ + work_count_, unit);
  const Work& w = work_[next - unit_start_ - 1];
  unit -= *(next - 1);
  const int64_t first_panel = unit % w.panel_units * w.panels_per_unit;
  const int64_t first_row = unit / w.panel_units * kUpRows;
  const Experts& experts = *w.experts;
  ExpertsUp up;
  up.gemm.rows = w.inputs + first_row;
  up.gemm.m = std::min(kUpRows, w.rows - first_row);
  up.gemm.k = experts.hidden();
  up.gemm.panels = w.view.up + first_panel * experts.up_panel_bytes();
  up.gemm.panel_count = std::min(w.panels_per_unit, experts.up_panels() - first_panel);
  up.gemm.out = scratch_ + worker * scratch_floats_;
  up.gemm.out_stride = kUpGroupPanels * kPanelColumns;
  up.gemm.from_memory = experts.from_memory();
  up.kind = experts.kind();
  up.bias = w.view.up_bias == nullptr ? nullptr : w.view.up_bias + first_panel * kPanelColumns;
  up.hidden = w.activations + first_row * experts.hidden_row_bytes() + experts.hidden_bytes(first_panel);
  up.hidden_stride = experts.hidden_row_bytes();
  experts.run_up(up);
}

// All rows of a few panels of output columns; then the tokens' sums of just these columns.
void ExpertPass::down_unit(int64_t unit, int worker, const RouteBlock& routes, const OutputView& output) {
  const int64_t first_panel = unit * down_panels_;
  const int64_t panels = std::min(down_panels_, setup_.routed->down_panels() - first_panel);
  const int64_t stride = panels * kPanelColumns;
  float* sums = scratch_ + worker * scratch_floats_;
  for (int64_t i = 0; i < work_count_; ++i) {
    const Work& w = work_[i];
    ExpertsDown down;
    down.gemm.rows = down_inputs_ + w.first_row;
    down.gemm.m = w.rows;
    down.gemm.k = w.experts->width();
    down.gemm.panels = w.view.down + first_panel * w.experts->down_panel_bytes();
    down.gemm.panel_count = panels;
    down.gemm.out = sums + w.first_row * stride;
    down.gemm.out_stride = stride;
    down.gemm.from_memory = w.experts->from_memory();
    down.bias = w.view.down_bias == nullptr ? nullptr : w.view.down_bias + first_panel * kPanelColumns;
    w.experts->run_down(down);
  }
  Combine combine;
  combine.tokens = tokens_;
  combine.slots = slots_;
  combine.columns = std::min(stride, setup_.routed->hidden() - first_panel * kPanelColumns);
  combine.rows = rows_;
  combine.weights = weights_;
  combine.y = sums;
  combine.y_stride = stride;
  combine.out = output.data + first_panel * kPanelColumns;
  combine.out_stride = output.stride;
  const int64_t bad = setup_.routed->kernels().combine(combine);
  if (bad >= 0) note_overflow(routes, bad, sums, stride, combine.columns);
}

// What is to blame: the lowest token; of its experts one whose own row is not finite before one that only
// adds to a sum that is not; of these the lowest, shared ones after the routed. Units see different columns,
// so that the order of blames is one number, whose lowest is kept: token, whether it is only the sum, expert.
void ExpertPass::note_overflow(const RouteBlock& routes, int64_t token, const float* sums, int64_t stride,
                               int64_t columns) {
  uint64_t found = kNoOverflow;
  for (int64_t s = 0; s < slots_; ++s) {
    const int32_t row = rows_[token * slots_ + s];
    if (row < 0) continue;
    const int64_t expert =
        s < routes.slots ? routes.ids[token * routes.slots + s] : setup_.routed->count() + s - routes.slots;
    const bool only_sum = first_not_finite(sums + row * stride, columns) < 0;
    const uint64_t blame =
        static_cast<uint64_t>(token) << 32 | (only_sum ? kOnlySum : 0) | static_cast<uint64_t>(expert);
    found = std::min(found, blame);
  }
  uint64_t lowest = overflow_.load(std::memory_order_relaxed);
  while (found < lowest && !overflow_.compare_exchange_weak(lowest, found, std::memory_order_relaxed)) {
  }
}

void ExpertPass::require_finite(int64_t first_token) const {
  const uint64_t found = overflow_.load(std::memory_order_relaxed);
  if (found == kNoOverflow) return;
  const auto token = static_cast<int64_t>(found >> 32);
  const auto expert = static_cast<int64_t>(found & (kOnlySum - 1));
  const bool shared = expert >= setup_.routed->count();
  const bool only_sum = (found & kOnlySum) != 0;
  fail(DMOE_E_OVERFLOW, "token %lld: %sexpert %lld gives a value that is not finite%s",
       static_cast<long long>(first_token + token), shared ? "shared " : "",
       static_cast<long long>(shared ? expert - setup_.routed->count() : expert),
       only_sum ? " in the sum of the token's experts" : "");
}

}  // namespace dmoe
