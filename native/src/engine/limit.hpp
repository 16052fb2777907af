// Capacity limits and the figures of decided routes: what the router's exports and the layer share.
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
};
LimitScratch lay_limit(Arena& arena, const Router& router, int64_t tokens, int32_t slots);

/** Routes over capacity, and of these the dropped ones. */
struct LimitResult {
  int64_t overflow = 0;
  int64_t dropped = 0;
};

/** Checks limits; NULL = no limit. */
dmoe_layer_params check_limits(const dmoe_layer_params* limits);

/** Throws DMOE_E_SHAPE when a batch has more slots than the order of its claims can number. */
void require_limitable(int64_t tokens, int32_t slots);

/** Applies a capacity to decided rows in place (ops/capacity). scratch.load holds the routes per expert
 * afterwards, also when the factor is 0 and nothing is limited. @param logits [tokens, experts], noise
 * included, rows `stride` apart; read for rerouting only */
LimitResult limit_routes(const Router& router, const RouteCall& call, const dmoe_layer_params& limits,
                         const float* logits, int64_t stride, int64_t tokens, int32_t slots, int32_t* ids,
                         float* weights, int32_t* counts, const LimitScratch& scratch);

/** Routes per expert of decided rows. @param load [out] [experts] */
void count_routes(const int32_t* ids, int64_t tokens, int32_t slots, int32_t experts, int64_t* load) noexcept;
/** Figures of a batch from its routes per expert; overflow and dropped are 0. */
dmoe_batch_report make_report(const int64_t* load, int32_t experts, int64_t tokens) noexcept;

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_LIMIT_HPP_
