// The router engine: packed gate weights, the checked parameters of a call, and the two steps of a chunk.
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
  int32_t ranked = 0;  // choices that must be put in order
  bool check_balance =
      false;  // whether group limits and mask together may leave too few experts for some token
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

/** A chunk's intermediate arrays; see Router::lay. */
struct RouteScratch {
  int64_t capacity = 0;       // tokens
  float* logits = nullptr;    // [capacity, experts], noise included
  float* mass = nullptr;      // [capacity, experts]: e^(l - max) or sigmoid
  float* totals = nullptr;    // [capacity]: sum of mass
  float* scores = nullptr;    // [capacity]
  int32_t* limits = nullptr;  // [capacity] k
  uint64_t* keys = nullptr;   // per worker
};

/** Gate weights and the family's gating rules. Immutable once built; calls share nothing but the workspace
 * pool. */
class Router {
 public:
  /** Throws DMOE_E_ARGUMENT, OPTIONS, NOT_FINITE, BACKEND; std::bad_alloc. */
  Router(const dmoe_router_options& options, const float* weights, const float* bias);

  const dmoe_router_options& options() const noexcept { return options_; }
  int32_t experts() const noexcept { return options_.experts; }
  int32_t hidden() const noexcept { return options_.hidden; }

  /** Checks parameters and the arrays that they point to. */
  RouteCall check(const dmoe_route_params* params, int64_t tokens) const;
  /** Checks a routes struct for `tokens` rows; ids and weights must be there. */
  dmoe_routes check_routes(const dmoe_routes* routes, int64_t tokens, int32_t least_slots) const;
  /** Checks that a matrix has this router's hidden size. */
  void check_hidden(const MatrixView& hidden) const;

  /** Lays out (or, with a measuring arena, sizes) the scratch of a chunk of `tokens`. */
  RouteScratch lay(Arena& arena, int64_t tokens) const;

  /** Fills scratch.logits with tokens first..first+count-1 of the batch, noise included. Throws
   * DMOE_E_NOT_FINITE naming the lowest token, or DMOE_E_BALANCE; after it, decide() cannot fail. */
  void logits(const MatrixView& hidden, const RouteCall& call, int64_t first, int64_t count,
              RouteScratch& scratch) const;
  /** The same from given logits [tokens, experts]. */
  void load_logits(const MatrixView& logits, const RouteCall& call, int64_t first, int64_t count,
                   RouteScratch& scratch) const;
  /** Decides for the tokens whose logits are in scratch. @param rows the first token's row first */
  void decide(const RouteCall& call, int64_t first, int64_t count, RouteScratch& scratch,
              const RouteRows& rows) const;

  /** Whole batches, in chunks of options().max_tokens: the exports' bodies. */
  void run_logits(const MatrixView& hidden, const OutputView& output) const;
  void route(const MatrixView& hidden, const RouteCall& call, const RouteRows& rows) const;
  void select(const MatrixView& logits, const RouteCall& call, const RouteRows& rows) const;

  WorkspacePool& workspaces() const noexcept { return workspaces_; }

 private:
  void raw_logits(const MatrixView& hidden, int64_t first, int64_t count, float* output,
                  int64_t stride) const;
  void finish_logits(const MatrixView* hidden, const RouteCall& call, int64_t first, int64_t count,
                     RouteScratch& scratch) const;
  void require_balance(const RouteCall& call, int64_t first, int64_t count, RouteScratch& scratch) const;

  dmoe_router_options options_;
  const KernelTable* kernels_;
  Buffer<float> packed_;
  Buffer<float> bias_;
  mutable WorkspacePool workspaces_;
};

/** Applies a capacity to decided rows in place (dmoe_router_limit; the layer per chunk).
 *  @param logits [tokens, experts], noise included; read for rerouting only @param counts [tokens] or NULL */
struct LimitResult {
  int64_t overflow = 0;
  int64_t dropped = 0;
};
/** Bytes that limit_routes needs. */
void lay_limit(Arena& arena, const Router& router, int64_t tokens, int32_t slots,
               struct LimitScratch* scratch);
struct LimitScratch {
  uint64_t* claims = nullptr;  // [tokens * slots]
  int64_t* load = nullptr;     // [experts]
  float* mass = nullptr;       // [experts]
  uint64_t* keys = nullptr;    // select scratch of one worker
};
LimitResult limit_routes(const Router& router, const RouteCall& call, float factor, int32_t overflow,
                         const float* logits, int64_t logits_stride, int64_t tokens, int32_t slots,
                         int32_t* ids, float* weights, int32_t* counts, LimitScratch& scratch);

/** Routes per expert of decided rows. @param load [out] [experts] */
void count_routes(const int32_t* ids, int64_t tokens, int32_t slots, int32_t experts, int64_t* load) noexcept;
/** Fills a report from routes per expert. */
dmoe_batch_report make_report(const int64_t* load, int32_t experts, int64_t tokens) noexcept;

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_ROUTER_HPP_
