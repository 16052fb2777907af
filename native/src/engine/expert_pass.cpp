#include "engine/expert_pass.hpp"

#include <algorithm>
#include <cstring>

#include "core/thread_pool.hpp"

namespace dmoe {
namespace {

constexpr int64_t kBlockRoutes = 4096;  // x 32 columns x 4 bytes = 512 KiB of sums per worker
constexpr int64_t kUpRows = 128;        // rows of a unit of the up product
constexpr int64_t kUpFloats = kUpRows * kUpGroupPanels * kPanelColumns;
constexpr int64_t kFewRowsPanels = 64;   // output panels of a unit of the down product while rows are few
constexpr int64_t kRoundTokens = 16;     // tokens of a unit that rounds hidden states
constexpr int64_t kUnitsPerThread = 12;  // enough for an even finish, few enough that a claim costs nothing
constexpr uint64_t kNoOverflow = ~uint64_t{0};

// Output panels of a unit of the down product. Few rows: wide units, because each expert's part of a unit is
// one run of memory. Many: more units, for balance.
int64_t down_panels_limit(int64_t rows) { return rows <= 64 ? 64 : 4; }

int64_t operands_size(const Experts* experts, int64_t tokens) {
  return experts->format() == DMOE_FORMAT_F32 ? 0 : tokens * experts->input_row_bytes();
}

std::size_t size(int64_t count) { return static_cast<std::size_t>(count); }

}  // namespace

struct ExpertPass::Work {
  const Experts* experts;
  ExpertView view;
  const void* const* inputs;  // rows of x
  int64_t first_row;
  int64_t rows;
  std::byte* activations;   // its rows of h
  int64_t panels_per_unit;  // of the up product
  int64_t panel_units;      // units across the panels; row blocks multiply them
};

int64_t ExpertPass::block_tokens(const ExpertPassSetup& setup, int64_t slots) {
  const int64_t shared = setup.shared == nullptr ? 0 : setup.shared->count();
  return std::max<int64_t>(1, kBlockRoutes / std::max<int64_t>(1, slots + shared));
}

ExpertPass::ExpertPass(const ExpertPassSetup& setup, int64_t tokens, int64_t slots, Arena& arena)
    : setup_(setup) {
  const Experts* routed = setup.routed;
  const Experts* shared = setup.shared;
  threads_ = region_threads(setup.threads);
  shared_count_ = shared == nullptr ? 0 : shared->count();
  slots_ = slots + shared_count_;
  const int64_t routed_rows = tokens * slots;
  const int64_t shared_rows = tokens * shared_count_;
  const int64_t rows = routed_rows + shared_rows;
  const int64_t works = std::min<int64_t>(routed->count(), routed_rows) + shared_count_;
  offsets_ = arena.take<int64_t>(size(routed->count() + 1));
  token_of_ = arena.take<int32_t>(size(routed_rows));
  routed_slot_rows_ = arena.take<int32_t>(size(routed_rows));
  all_rows_ = arena.take<int32_t>(size(shared == nullptr ? 0 : tokens * slots_));
  all_weights_ = arena.take<float>(size(shared == nullptr ? 0 : tokens * slots_));
  shared_weights_ = arena.take<float>(size(shared == nullptr ? 0 : tokens));
  routed_operands_ = arena.take<std::byte>(size(operands_size(routed, tokens)));
  shared_operands_ = shared == nullptr || shared->format() == routed->format()
                         ? routed_operands_
                         : arena.take<std::byte>(size(operands_size(shared, tokens)));
  routed_inputs_ = arena.take<const void*>(size(routed_rows));
  shared_inputs_ = arena.take<const void*>(size(shared == nullptr ? 0 : tokens));
  routed_h_ = arena.take<std::byte>(size(routed_rows * routed->hidden_row_bytes()));
  shared_h_ = arena.take<std::byte>(shared == nullptr ? 0 : size(shared_rows * shared->hidden_row_bytes()));
  down_inputs_ = arena.take<const void*>(size(rows));
  scratch_floats_ = std::max(kUpFloats, rows * kPanelColumns);
  scratch_ = arena.take<float>(size(scratch_floats_ * threads_));
  work_ = arena.take<Work>(size(works));
  unit_start_ = arena.take<int64_t>(size(works + 1));
}

void ExpertPass::run(const MatrixView& hidden, const RouteBlock& routes, const OutputView& output,
                     int64_t first_token) {
  tokens_ = hidden.rows;
  overflow_.store(kNoOverflow, std::memory_order_relaxed);
  prepare(hidden);
  plan(routes);
  point_inputs(hidden);
  list_work();
  cut_units();
  parallel_for(unit_start_[work_count_], threads_,
               [this](int64_t unit, int worker) { up_unit(unit, worker); });
  const int64_t panels = setup_.routed->down_panels();
  parallel_for((panels + down_panels_ - 1) / down_panels_, threads_,
               [&](int64_t unit, int worker) { down_unit(unit, worker, output); });
  require_finite(routes, first_token);
}

// Routes by expert; with shared experts, a slot for each of them joins the routed ones.
void ExpertPass::plan(const RouteBlock& routes) {
  const Experts& routed = *setup_.routed;
  const int64_t slots = routes.slots;
  routed_rows_ = routed.kernels().plan_build(routes.ids, tokens_, static_cast<int32_t>(slots), routed.count(),
                                             offsets_, token_of_, routed_slot_rows_);
  if (setup_.shared == nullptr) {
    rows_ = routed_slot_rows_;
    weights_ = routes.weights;
    return;
  }
  for (int64_t t = 0; t < tokens_; ++t) {
    int32_t* rows = all_rows_ + t * slots_;
    float* weights = all_weights_ + t * slots_;
    std::copy(routed_slot_rows_ + t * slots, routed_slot_rows_ + (t + 1) * slots, rows);
    std::copy(routes.weights + t * slots, routes.weights + (t + 1) * slots, weights);
    for (int64_t s = 0; s < shared_count_; ++s) {
      rows[slots + s] = static_cast<int32_t>(routed_rows_ + s * tokens_ + t);
      weights[slots + s] = shared_weights_[t];
    }
  }
  rows_ = all_rows_;
  weights_ = all_weights_;
}

// What each token needs once, whatever its routes: operands in the experts' formats, and the weight of the
// shared experts.
void ExpertPass::prepare(const MatrixView& hidden) {
  const Experts* shared = setup_.shared;
  const bool own = shared != nullptr && shared->format() != setup_.routed->format();
  if (setup_.routed->format() == DMOE_FORMAT_F32 && shared == nullptr) return;
  const auto round = [](const Experts& experts, const Rows& rows, std::byte* operands, int64_t first) {
    if (experts.format() == DMOE_FORMAT_F32) return;
    experts.round_inputs(rows, operands + first * experts.input_row_bytes());
  };
  parallel_for((hidden.rows + kRoundTokens - 1) / kRoundTokens, threads_, [&](int64_t chunk, int) {
    const int64_t first = chunk * kRoundTokens;
    const Rows rows{hidden.row(first), std::min(kRoundTokens, hidden.rows - first), hidden.columns,
                    hidden.stride};
    round(*setup_.routed, rows, routed_operands_, first);
    if (shared == nullptr) return;
    if (own) round(*shared, rows, shared_operands_, first);
    if (setup_.shared_gate == nullptr) {
      std::fill_n(shared_weights_ + first, rows.count, 1.0f);
    } else {
      setup_.routed->kernels().gate_rows({rows, setup_.shared_gate, shared_weights_ + first});
    }
  });
}

const void* ExpertPass::input(const Experts* experts, const std::byte* operands, const MatrixView& hidden,
                              int64_t token) const {
  if (experts->format() == DMOE_FORMAT_F32) return hidden.row(token);
  return operands + token * experts->input_row_bytes();
}

void ExpertPass::point_inputs(const MatrixView& hidden) {
  for (int64_t r = 0; r < routed_rows_; ++r) {
    routed_inputs_[r] = input(setup_.routed, routed_operands_, hidden, token_of_[r]);
  }
  if (setup_.shared == nullptr) return;
  for (int64_t t = 0; t < tokens_; ++t) {
    shared_inputs_[t] = input(setup_.shared, shared_operands_, hidden, t);
  }
}

void ExpertPass::list_work() {
  work_count_ = 0;
  for (int64_t s = 0; s < shared_count_; ++s) {
    const int64_t bytes = tokens_ * setup_.shared->hidden_row_bytes();
    add_work(setup_.shared, s, routed_rows_ + s * tokens_, tokens_, shared_inputs_, shared_h_ + s * bytes);
  }
  const int64_t row_bytes = setup_.routed->hidden_row_bytes();
  for (int64_t e = 0; e < setup_.routed->count(); ++e) {
    const int64_t first = offsets_[e];
    const int64_t rows = offsets_[e + 1] - first;
    if (rows > 0)
      add_work(setup_.routed, e, first, rows, routed_inputs_ + first, routed_h_ + first * row_bytes);
  }
}

void ExpertPass::add_work(const Experts* experts, int64_t expert, int64_t first_row, int64_t rows,
                          const void* const* inputs, std::byte* activations) {
  work_[work_count_++] = {experts, experts->view(expert), inputs, first_row, rows, activations, 0, 0};
  const int64_t row_bytes = experts->hidden_row_bytes();
  for (int64_t r = 0; r < rows; ++r) {
    down_inputs_[first_row + r] = experts->linear() ? inputs[r] : activations + r * row_bytes;
  }
}

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
  const int64_t share = total / (threads_ * kUnitsPerThread) + 1;
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
  const int64_t units = (rows <= 64 ? 2 : 4) * threads_;
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
void ExpertPass::down_unit(int64_t unit, int worker, const OutputView& output) {
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
  if (bad >= 0) note_overflow(bad, sums, stride);
}

// The first slot whose own row is not finite is to blame; when only their sum is, the first used slot.
void ExpertPass::note_overflow(int64_t token, const float* sums, int64_t columns) {
  const int32_t* rows = rows_ + token * slots_;
  int64_t blamed = -1;
  for (int64_t s = 0; s < slots_; ++s) {
    if (rows[s] < 0) continue;
    if (blamed < 0) blamed = s;
    if (first_not_finite(sums + rows[s] * columns, columns) >= 0) {
      blamed = s;
      break;
    }
  }
  const uint64_t found = static_cast<uint64_t>(token) << 32 | static_cast<uint64_t>(blamed);
  uint64_t lowest = overflow_.load(std::memory_order_relaxed);
  while (found < lowest && !overflow_.compare_exchange_weak(lowest, found, std::memory_order_relaxed)) {
  }
}

void ExpertPass::require_finite(const RouteBlock& routes, int64_t first_token) const {
  const uint64_t found = overflow_.load(std::memory_order_relaxed);
  if (found == kNoOverflow) return;
  const int64_t token = static_cast<int64_t>(found >> 32);
  const int64_t slot = static_cast<int64_t>(found & 0xffffffffu);
  const bool shared = slot >= routes.slots;
  fail(DMOE_E_OVERFLOW, "token %lld: %sexpert %lld gives a value that is not finite",
       static_cast<long long>(first_token + token), shared ? "shared " : "",
       static_cast<long long>(shared ? slot - routes.slots : routes.ids[token * routes.slots + slot]));
}

}  // namespace dmoe
