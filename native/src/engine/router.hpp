// The router engine: packed gate weights, the checked parameters of a call, and the steps of a chunk.
#ifndef DYNAMICMOE_ENGINE_ROUTER_HPP_
#define DYNAMICMOE_ENGINE_ROUTER_HPP_

#include <cstdint>

#include "core/memory.hpp"
#include "core/views.hpp"
#include "core/workspace.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "engine/kernel_table.hpp"

namespace dmoe {

/** dmoe_route_params after every check, with the caller's arrays still in place. */
struct RouteCall {
  dmoe_route_params params{};
  int64_t tokens = 0;
  int32_t ranked = 0;               // choices that must be put in order
  float gap_limit = 0;              // -ln tau
  bool check_balance = false;       // group limits and mask together may leave some token too few experts
  const uint8_t* subset = nullptr;  // [E] experts that the batch may use, or NULL = all
};

/** Where decisions go: row-major with `slots` columns. All but ids and weights may be NULL. */
struct RouteRows {
  int32_t slots = 0;
  int32_t* ids = nullptr;
  float* weights = nullptr;
  int32_t* counts = nullptr;
  float* scores = nullptr;
  float* logits = nullptr;  // [tokens, experts]
  float* gaps = nullptr;
  /** The rows from `token` on. */
  RouteRows from(int64_t token, int32_t experts) const;
};
/** Rows of a checked routes struct. */
RouteRows rows_of(const dmoe_routes& routes);

/** A chunk's intermediate arrays; see Router::lay. */
struct RouteScratch {
  float* logits = nullptr;      // [capacity, stride], noise included
  float* mass = nullptr;        // the same shape: e^(l - max) or sigmoid
  float* totals = nullptr;      // [capacity] sum of mass
  float* scores = nullptr;      // [capacity]
  float* gap_limits = nullptr;  // [capacity]
  int32_t* limits = nullptr;    // [capacity] k
  uint64_t* keys = nullptr;     // per worker
  float* base = nullptr;        // per worker
  int workers = 1;              // that keys and base suffice for
};

/** Tokens of one item of a router's parallel work. */
inline constexpr int64_t kRouterRows = 32;

/** Gate weights and the family's gating rules. Immutable once built; calls share nothing but the workspace
 * pool. */
class Router {
 public:
  /** Throws DMOE_E_ARGUMENT, OPTIONS, NOT_FINITE, BACKEND; std::bad_alloc. */
  Router(const dmoe_router_options& options, const float* weights, const float* bias);

  const dmoe_router_options& options() const noexcept { return options_; }
  int32_t experts() const noexcept { return options_.experts; }
  int32_t hidden() const noexcept { return options_.hidden; }
  /** Tokens that one chunk holds. */
  int64_t chunk() const noexcept { return options_.max_tokens; }

  /** Checks parameters and the arrays that they point to. `routes` tells whether gaps are wanted. */
  RouteCall check(const dmoe_route_params* params, int64_t tokens, const RouteRows& rows) const;
  /** Checks a routes struct for `tokens` rows and at least `slots` columns; ids and weights must be there. */
  dmoe_routes check_routes(const dmoe_routes* routes, int64_t tokens, int32_t slots) const;
  void check_hidden(const MatrixView& hidden) const;
  void check_logits(const MatrixView& logits) const;

  /** Threads that a call may use now; ask once per call, the pool's size may change meanwhile. */
  int workers() const noexcept;
  /** Lays out (or, with a measuring arena, sizes) the scratch of chunks of up to `tokens` for a call on
   * `workers`. */
  RouteScratch lay(Arena& arena, int64_t tokens, int workers) const;

  /** Whole batches, in chunks; every chunk is checked before the first byte is written. */
  void run_logits(const MatrixView& hidden, const OutputView& output) const;
  void route(const MatrixView& hidden, const RouteCall& call, const RouteRows& rows) const;
  void select(const MatrixView& logits, const RouteCall& call, const RouteRows& rows) const;

  /** What ranks a token's experts in a call. */
  RankRules rank_rules(const RouteCall& call) const;
  const KernelTable& kernels() const noexcept { return *kernels_; }
  /** Gate weights in panels of 32 experts, [panel][hidden][32], and the bias padded alike or nullptr: what a
   * copy on a device is made of. */
  const float* packed() const noexcept { return packed_.data(); }
  const float* bias() const noexcept { return bias_.empty() ? nullptr : bias_.data(); }
  int64_t padded_experts() const noexcept { return panels_ * 32; }
  /** ln E. */
  float log_experts() const noexcept { return log_experts_; }
  WorkspacePool& workspaces() const noexcept { return workspaces_; }
  /** Makes or frees workspaces of calls until `idle` of them are free. Throws std::bad_alloc. */
  void keep_workspaces(int32_t idle) const;

 private:
  struct CallScratch;
  /** Fills scratch.logits with tokens first..first+count-1 of the batch `source`, noise included. Throws
   * DMOE_E_NOT_FINITE naming the lowest token, or DMOE_E_BALANCE; after it decide() cannot fail. */
  using FillLogits = void (Router::*)(const MatrixView& source, const RouteCall& call, int64_t first,
                                      int64_t count, RouteScratch& scratch) const;
  /** FillLogits from hidden states [tokens, hidden]. */
  void logits(const MatrixView& hidden, const RouteCall& call, int64_t first, int64_t count,
              RouteScratch& scratch) const;
  /** FillLogits from given logits [tokens, experts]. */
  void load_logits(const MatrixView& logits, const RouteCall& call, int64_t first, int64_t count,
                   RouteScratch& scratch) const;
  /** Decides for the tokens whose logits are in scratch. @param rows the chunk's first row first */
  void decide(const RouteCall& call, int64_t first, int64_t count, RouteScratch& scratch,
              const RouteRows& rows) const;
  void run_chunks(const MatrixView& source, FillLogits fill, const RouteCall& call,
                  const RouteRows& rows) const;
  void compute_logits(const MatrixView& hidden, int64_t first, int64_t count, float* logits) const;
  void require_finite_logits(const MatrixView* hidden, int64_t first, int64_t count,
                             const float* logits) const;
  void finish_logits(const MatrixView* hidden, const RouteCall& call, int64_t first, int64_t count,
                     RouteScratch& scratch) const;
  void require_balance(const RouteCall& call, int64_t first, int64_t count, RouteScratch& scratch) const;
  void gate_rows(const RouteScratch& scratch, int64_t row, int64_t count) const;
  void score_rows(const RouteCall& call, const RouteScratch& scratch, int64_t first, int64_t row,
                  int64_t count) const;
  void decide_rows(const RouteCall& call, int64_t first, int64_t row, int64_t count, int worker,
                   const RouteScratch& scratch, const RouteRows& rows) const;
  int threads_for(int64_t work) const noexcept;

  dmoe_router_options options_;
  const KernelTable* kernels_;
  int64_t panels_;
  float log_experts_;
  Buffer<float> packed_;
  Buffer<float> bias_;  // padded to whole panels; empty without a bias
  mutable WorkspacePool workspaces_;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_ROUTER_HPP_
