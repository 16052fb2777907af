// score: one complexity figure per row. All levels return the same bits (core/rules/math.hpp, 16-lane tree
// sums).
//   margin     p(2)/p(1) of softmax or sigmoid of the row; 0 for one column. Error <= 8 * 2^-24 + 2^-24 |l(1)
//   - l(2)|. entropy    of softmax(row / temperature), in nats: ln S + A / S with d = (max - x) /
//   temperature, S = sum e^-d,
//              A = sum d e^-d; both terms are >= 0, so nothing cancels. Error <= (n/16 + 16) 2^-24 (ln n +
//              1).
//   shares     entropy of row / total, in nats, for rows >= 0 with known totals. Error as entropy.
//   l2         sqrt(sum x^2), squares summed in double. Error <= 1 ulp.
//   attention  entropy in nats of (x / max)^(1 / temperature) normalised: -sum p ln(p + epsilon); 0 for a row
//   of zeros.
//              Error <= (n/16 + 16) 2^-24 (ln n + 1) (1 + 1 / temperature).
#ifndef DYNAMICMOE_OPS_SCORE_SCORE_HPP_
#define DYNAMICMOE_OPS_SCORE_SCORE_HPP_

#include <stdint.h>

namespace dmoe {

struct ScoreRows {
  const float* data;  // [rows, columns]
  int64_t stride;
  int64_t rows;
  int64_t columns;
  float* scores;        // [out] [rows]
  int32_t sigmoid;      // margin: rows are logits of a sigmoid gate
  float temperature;    // entropy and attention, > 0
  float epsilon;        // attention, >= 0
  const float* totals;  // shares: [rows]
};
using score_margin_kernel = void(const ScoreRows&);
using score_entropy_kernel = void(const ScoreRows&);
using score_shares_kernel = void(const ScoreRows&);
using score_l2_kernel = void(const ScoreRows&);
using score_attention_kernel = void(const ScoreRows&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/score/score.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_SCORE_SCORE_HPP_
