#include "engine/router.hpp"

#include <algorithm>
#include <cmath>

#include "core/status.hpp"
#include "core/thread_pool.hpp"
#include "engine/cpu.hpp"
#include "engine/packing.hpp"

namespace dmoe {
namespace {

void check_options(const dmoe_router_options& o) {
  require_option(o.hidden, 1, 1048576, "hidden");
  require_option(o.experts, 1, 4096, "experts");
  require_option(o.gate, DMOE_GATE_SOFTMAX, DMOE_GATE_SIGMOID, "gate");
  require_option(o.trained_k, 1, o.experts, "trained_k");
  require_option(o.groups, 1, o.experts, "groups");
  DMOE_REQUIRE(o.experts % o.groups == 0, DMOE_E_OPTIONS, "groups is %d, must divide experts (%d)", o.groups,
               o.experts);
  require_option(o.top_groups, 1, o.groups, "top_groups");
  require_option(o.group_score, DMOE_GROUP_MAX, DMOE_GROUP_TOP2_SUM, "group_score");
  DMOE_REQUIRE(std::isfinite(o.routed_scale) && o.routed_scale > 0, DMOE_E_OPTIONS,
               "routed_scale is %g, must be finite and > 0", static_cast<double>(o.routed_scale));
  require_option(o.max_tokens, 1, 1048576, "max_tokens");
  require_option(o.threads, 0, 1024, "threads");
}

}  // namespace

RouteRows RouteRows::from(int64_t token, int32_t experts) const {
  RouteRows rows = *this;
  const auto move = [](auto* pointer, int64_t by) { return pointer ? pointer + by : nullptr; };
  rows.ids = move(ids, token * slots);
  rows.weights = move(weights, token * slots);
  rows.counts = move(counts, token);
  rows.scores = move(scores, token);
  rows.logits = move(logits, token * experts);
  rows.gaps = move(gaps, token * slots);
  return rows;
}

RouteRows rows_of(const dmoe_routes& r) {
  return RouteRows{r.slots, r.ids, r.weights, r.counts, r.scores, r.logits, r.gaps};
}

/** Arrays of a call, in a block of the pool that is given back at the end of a scope. */
struct Router::CallScratch {
  explicit CallScratch(const Router& router) : CallScratch(router, router.workers()) {}
  CallScratch(const Router& router, int workers) : lease(router.workspaces_, bytes(router, workers)) {
    Arena arena = lease.arena();
    arrays = router.lay(arena, router.chunk(), workers);
  }
  static std::size_t bytes(const Router& router, int workers) {
    Arena measure;
    router.lay(measure, router.chunk(), workers);
    return measure.used();
  }

  WorkspacePool::Lease lease;
  RouteScratch arrays;
};

Router::Router(const dmoe_router_options& options, const float* weights, const float* bias)
    : options_(options) {
  check_options(options_);
  kernels_ = &kernel_table(resolve_isa(options_.isa));
  require_pointer(weights, "weights");
  panels_ = panels_for(options_.experts);
  log_experts_ = static_cast<float>(std::log(static_cast<double>(options_.experts)));
  const int64_t count = checked_product(options_.experts, options_.hidden, "weights");
  const int64_t bad = first_not_finite(weights, count);
  DMOE_REQUIRE(bad < 0, DMOE_E_NOT_FINITE, "weights of expert %lld hold %g at input %lld",
               static_cast<long long>(bad / options_.hidden), static_cast<double>(weights[bad]),
               static_cast<long long>(bad % options_.hidden));
  packed_ = Buffer<float>(static_cast<size_t>(padded_experts() * options_.hidden));
  pack_panels(WeightMatrix{weights, DMOE_DTYPE_F32, options_.experts, options_.hidden}, DMOE_FORMAT_F32,
              packed_.data());
  if (bias != nullptr) {
    const int64_t bad_bias = first_not_finite(bias, options_.experts);
    DMOE_REQUIRE(bad_bias < 0, DMOE_E_NOT_FINITE, "bias[%lld] is %g", static_cast<long long>(bad_bias),
                 static_cast<double>(bias[bad_bias]));
    bias_ = Buffer<float>(static_cast<size_t>(padded_experts()));
    std::copy(bias, bias + options_.experts, bias_.data());
  }
  CallScratch warm(*this);  // the first block, so that the first call allocates nothing either
}

void Router::keep_workspaces(int32_t idle) const {
  workspaces_.keep_idle(idle, CallScratch::bytes(*this, workers()));
}

int Router::workers() const noexcept { return region_threads(options_.threads); }

int Router::threads_for(int64_t work) const noexcept {
  // Multiply-adds below which a second thread costs more than it saves: about 2 us of work.
  constexpr int64_t kSerialWork = 64 * 1024;
  return work < kSerialWork ? 1 : workers();
}

RouteScratch Router::lay(Arena& arena, int64_t tokens, int workers) const {
  const auto rows = static_cast<size_t>(tokens), experts = static_cast<size_t>(options_.experts);
  const auto padded = static_cast<size_t>(padded_experts());
  RouteScratch s;
  s.workers = workers;
  s.logits = arena.take<float>(rows * padded);
  s.mass = arena.take<float>(rows * padded);
  s.totals = arena.take<float>(rows);
  s.scores = arena.take<float>(rows);
  s.gap_limits = arena.take<float>(rows);
  s.limits = arena.take<int32_t>(rows);
  s.keys = arena.take<uint64_t>(2 * experts * static_cast<size_t>(s.workers));
  s.base = arena.take<float>(experts * static_cast<size_t>(s.workers));
  return s;
}

void Router::compute_logits(const MatrixView& hidden, int64_t first, int64_t count, float* logits) const {
  const int64_t blocks = (count + kRouterRows - 1) / kRouterRows;
  const int threads = threads_for(count * options_.hidden * padded_experts());
  // Few tokens: the panels are divided as well, so that every thread reads a part of the weights.
  const int64_t parts =
      blocks >= 2 * threads ? 1 : std::min<int64_t>(panels_, (2 * threads + blocks - 1) / blocks);
  parallel_for(blocks * parts, threads, [&](int64_t item, int) {
    const int64_t row = item / parts * kRouterRows, part = item % parts;
    const int64_t panel = panels_ * part / parts, end = panels_ * (part + 1) / parts;
    Logits task{};
    task.hidden = hidden.row(first + row);
    task.hidden_stride = hidden.stride;
    task.rows = std::min(kRouterRows, count - row);
    task.K = options_.hidden;
    task.packed = packed_.data() + panel * 32 * options_.hidden;
    task.bias = bias_.empty() ? nullptr : bias_.data() + panel * 32;
    task.panels = end - panel;
    task.last_columns = std::min<int64_t>(32, options_.experts - (end - 1) * 32);
    task.logits = logits + row * padded_experts() + panel * 32;
    task.logits_stride = padded_experts();
    kernels_->logits_f32(task);
  });
}

void Router::require_finite_logits(const MatrixView* hidden, int64_t first, int64_t count,
                                   const float* logits) const {
  for (int64_t t = 0; t < count; ++t) {
    const int64_t bad = first_not_finite(logits + t * padded_experts(), options_.experts);
    if (bad < 0) continue;
    const auto token = static_cast<long long>(first + t);
    if (hidden != nullptr) {
      const float* row = hidden->row(first + t);
      const int64_t column = first_not_finite(row, options_.hidden);
      DMOE_REQUIRE(column < 0, DMOE_E_NOT_FINITE, "hidden of token %lld holds %g at column %lld", token,
                   static_cast<double>(row[column]), static_cast<long long>(column));
    }
    fail(DMOE_E_NOT_FINITE, "logits of token %lld overflow at expert %lld though the input is finite", token,
         static_cast<long long>(bad));
  }
}

void Router::finish_logits(const MatrixView* hidden, const RouteCall& call, int64_t first, int64_t count,
                           RouteScratch& scratch) const {
  const dmoe_route_params& p = call.params;
  if (p.noise_factor > 0) {
    const int64_t blocks = (count + kRouterRows - 1) / kRouterRows;
    const int threads = threads_for(count * options_.experts * 32);
    parallel_for(blocks, threads, [&](int64_t block, int) {
      const int64_t row = block * kRouterRows;
      Noise task{};
      task.logits = scratch.logits + row * padded_experts();
      task.stride = padded_experts();
      task.rows = std::min(kRouterRows, count - row);
      task.experts = options_.experts;
      task.factor = p.noise_factor;
      task.seed = p.noise_seed;
      task.positions = p.positions ? p.positions + first + row : nullptr;
      task.first_position = first + row;
      kernels_->noise_f32(task);
    });
  }
  require_finite_logits(hidden, first, count, scratch.logits);
  if (call.check_balance) require_balance(call, first, count, scratch);
}

void Router::logits(const MatrixView& hidden, const RouteCall& call, int64_t first, int64_t count,
                    RouteScratch& scratch) const {
  compute_logits(hidden, first, count, scratch.logits);
  finish_logits(&hidden, call, first, count, scratch);
}

void Router::load_logits(const MatrixView& logits, const RouteCall& call, int64_t first, int64_t count,
                         RouteScratch& scratch) const {
  for (int64_t t = 0; t < count; ++t) {
    const float* row = logits.row(first + t);
    const int64_t bad = first_not_finite(row, options_.experts);
    DMOE_REQUIRE(bad < 0, DMOE_E_NOT_FINITE, "logits of token %lld hold %g at expert %lld",
                 static_cast<long long>(first + t), static_cast<double>(row[bad]),
                 static_cast<long long>(bad));
    std::copy(row, row + options_.experts, scratch.logits + t * padded_experts());
  }
  finish_logits(nullptr, call, first, count, scratch);
}

void Router::run_logits(const MatrixView& hidden, const OutputView& output) const {
  CallScratch own(*this);
  float* logits = own.arrays.logits;
  const bool one_chunk = hidden.rows <= chunk();
  for (int pass = one_chunk ? 1 : 0; pass < 2; ++pass)
    for (int64_t first = 0; first < hidden.rows; first += chunk()) {
      const int64_t count = std::min(chunk(), hidden.rows - first);
      compute_logits(hidden, first, count, logits);
      if (pass == 0 || one_chunk) require_finite_logits(&hidden, first, count, logits);
      if (pass == 1)
        for (int64_t t = 0; t < count; ++t)
          std::copy_n(logits + t * padded_experts(), options_.experts, output.row(first + t));
    }
}

void Router::run_chunks(const MatrixView& source, FillLogits fill, const RouteCall& call,
                        const RouteRows& rows) const {
  CallScratch own(*this);
  RouteScratch& scratch = own.arrays;
  // More than one chunk: all are checked before the first is written, which costs their logits twice.
  if (source.rows > chunk())
    for (int64_t first = 0; first < source.rows; first += chunk())
      (this->*fill)(source, call, first, std::min(chunk(), source.rows - first), scratch);
  for (int64_t first = 0; first < source.rows; first += chunk()) {
    const int64_t count = std::min(chunk(), source.rows - first);
    (this->*fill)(source, call, first, count, scratch);
    decide(call, first, count, scratch, rows.from(first, options_.experts));
  }
}

void Router::route(const MatrixView& hidden, const RouteCall& call, const RouteRows& rows) const {
  run_chunks(hidden, &Router::logits, call, rows);
}

void Router::select(const MatrixView& given, const RouteCall& call, const RouteRows& rows) const {
  run_chunks(given, &Router::load_logits, call, rows);
}

}  // namespace dmoe
