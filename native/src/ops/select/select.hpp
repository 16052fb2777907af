// select: experts of each token in falling preference, stopped by the strategy, and their weights.
// in  logits, mass, totals (ops/gate)    out ids[T,slots], weights[T,slots], counts[T], gaps[T,slots]
// The order is exact: integer keys of floats, ties to the lower id (core/rules/rank.hpp). Weights are one
// division after a tree sum: relative error <= (n / 16 + 12) 2^-24 for n summed masses, plus 2^-24 |l - max|.
// With a subset the order, the stop and the gaps are those of the experts in it; trained_scale still divides
// by the sum over the static rule's choice, and a token whose groups hold too few of the subset goes beyond
// them.
#ifndef DYNAMICMOE_OPS_SELECT_SELECT_HPP_
#define DYNAMICMOE_OPS_SELECT_SELECT_HPP_

#include <stdint.h>

#include "core/rules/rank.hpp"
#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

struct Select {
  RankRules rules;
  const float* logits;  // [rows, experts], stride elements apart
  const float* mass;    // the same shape
  const float* totals;  // [rows]
  int64_t stride;
  int64_t rows;

  dmoe_strategy strategy;
  dmoe_weighting weighting;
  int32_t kmin;
  int32_t trained_k;
  int32_t ranked;  // choices to put in order: >= every limit, trained_k for trained_scale, slots for gaps
  const uint8_t* subset;  // [experts] 0 = not for this batch, or NULL; ranked is then all experts
  float routed_scale;
  float top_p;
  const int32_t* limits;    // [rows] k
  const float* gap_limits;  // [rows] -ln tau for the threshold strategy

  int32_t slots;
  int32_t* ids;     // [out] [rows, slots]
  float* weights;   // [out] [rows, slots]
  int32_t* counts;  // [out] [rows] or NULL
  float* gaps;      // [out] [rows, slots] or NULL
  uint64_t* keys;   // scratch [ranked + rule_rank_scratch]; with a subset [2 * experts]
  float* base;      // scratch [max(ranked, 1)]
};
/** Every token must have at least kmin usable experts. */
using select_kernel = void(const Select&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/select/select.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_SELECT_SELECT_HPP_
