// Limits of a batch and the figures of decided routes: what the router's exports and the layer share.
#ifndef DYNAMICMOE_ENGINE_LIMIT_HPP_
#define DYNAMICMOE_ENGINE_LIMIT_HPP_

#include <cstdint>

#include "core/workspace.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "engine/router.hpp"

namespace dmoe {

/** Scratch of one limit; see lay_limit. */
struct LimitScratch {
  uint64_t* claims = nullptr;  // [tokens * slots]
  int64_t* load = nullptr;     // [experts]
  float* mass = nullptr;       // [experts]
  uint64_t* keys = nullptr;    // [2 * experts]
  double* sums = nullptr;      // [experts]
  int32_t* order = nullptr;    // [experts]
  uint8_t* subset = nullptr;   // [experts]
};
LimitScratch lay_limit(Arena& arena, const Router& router, int64_t tokens, int32_t slots);

/** Routes over capacity, and of these the dropped ones. */
struct LimitResult {
  int64_t overflow = 0;
  int64_t dropped = 0;
};

/** Checks limits; NULL = no limit. */
dmoe_layer_params check_limits(const dmoe_layer_params* limits);

/** Whether limits do anything. */
inline bool limits_anything(const dmoe_layer_params& limits) noexcept {
  return limits.capacity_factor > 0 || limits.max_distinct > 0;
}

/** Throws DMOE_E_BALANCE when the cap on distinct experts is below what every token gets, DMOE_E_SHAPE when
 * rows have too few columns for a selection. */
void require_satisfiable(const dmoe_layer_params& limits, const RouteCall& call, int32_t slots);

/** Throws DMOE_E_SHAPE when a batch has more slots than the order of its claims can number. */
void require_limitable(int64_t tokens, int32_t slots);

/** Applies limits to decided rows in place: the cap on distinct experts (ops/distinct, then selection anew),
 * then the capacity (ops/capacity). scratch.load holds the routes per expert afterwards, also when nothing is
 * limited. @param logits [tokens, experts], noise included; read for the cap and for rerouting only
 * @param rows every array that the decisions fill; of rows.logits nothing is written */
LimitResult limit_routes(const Router& router, const RouteCall& call, const dmoe_layer_params& limits,
                         const MatrixView& logits, const RouteRows& rows, const LimitScratch& scratch);

/** Routes per expert of decided rows. @param load [out] [experts] */
void count_routes(const int32_t* ids, int64_t tokens, int32_t slots, int32_t experts, int64_t* load) noexcept;
/** Figures of a batch from its routes per expert; overflow and dropped are 0. */
dmoe_batch_report make_report(const int64_t* load, int32_t experts, int64_t tokens) noexcept;

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_LIMIT_HPP_
