#include "engine/expert_pass.hpp"

#include <algorithm>

#include "core/thread_pool.hpp"

namespace dmoe {
namespace {

constexpr int64_t kBlockRoutes = 4096;  // x 32 columns x 4 bytes = 512 KiB of sums per worker
constexpr int64_t kRoundTokens = 16;    // tokens of a unit that rounds hidden states

int64_t operands_size(const Experts* experts, int64_t tokens) {
  return experts->format() == DMOE_FORMAT_F32 ? 0 : tokens * experts->input_row_bytes();
}

std::size_t size(int64_t count) { return static_cast<std::size_t>(count); }

}  // namespace

int64_t ExpertPass::block_tokens(const ExpertPassSetup& setup, int64_t slots) {
  const int64_t shared = setup.shared == nullptr ? 0 : setup.shared->count();
  return std::max<int64_t>(1, kBlockRoutes / std::max<int64_t>(1, slots + shared));
}

ExpertPass::ExpertPass(const ExpertPassSetup& setup, int64_t tokens, int64_t slots, Arena& arena)
    : setup_(setup) {
  const Experts* routed = setup.routed;
  const Experts* shared = setup.shared;
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
  scratch_floats_ = std::max(kUpRows * kUpGroupPanels * kPanelColumns, rows * kPanelColumns);
  scratch_ = arena.take<float>(size(scratch_floats_ * setup.threads));
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
  parallel_for(unit_start_[work_count_], setup_.threads,
               [this](int64_t unit, int worker) { up_unit(unit, worker); });
  const int64_t panels = setup_.routed->down_panels();
  parallel_for((panels + down_panels_ - 1) / down_panels_, setup_.threads,
               [&](int64_t unit, int worker) { down_unit(unit, worker, routes, output); });
  require_finite(first_token);
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
  parallel_for((hidden.rows + kRoundTokens - 1) / kRoundTokens, setup_.threads, [&](int64_t chunk, int) {
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

}  // namespace dmoe
