// logits: l = H Wg^T + b in float32.
// Weights are packed in panels of 32 experts: packed[(e / 32) * K * 32 + k * 32 + e % 32], the last panel
// padded with zeros. Every kernel keeps one float32 accumulator per logit, starts it at 0, adds fma(h[k],
// w[k]) with k ascending and then the bias, so that all levels agree bit for bit and a logit does not depend
// on the batch. Error: |l - exact| <= (K + 1) * 2^-24 * (sum |h w| + |b|) * (1 + small), the usual bound of a
// recursive sum. A NaN or infinity in h makes every logit of its row non-finite: fma(inf, 0, s) is NaN.
#ifndef DYNAMICMOE_OPS_LOGITS_LOGITS_HPP_
#define DYNAMICMOE_OPS_LOGITS_LOGITS_HPP_

#include <stdint.h>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

/** Experts per packed panel. */
enum { kLogitsPanel = 32 };

/** Logits of `rows` tokens for the experts of panels first_panel..last_panel-1.
 *  @param hidden [rows, K], hidden_stride elements apart @param bias [E] or NULL @param logits [rows, E],
 * logits_stride elements apart; only the columns of the panels, below E, are written */
using logits_f32_kernel = void(const float* hidden, int64_t hidden_stride, int64_t rows, const float* packed,
                               const float* bias, int32_t K, int32_t E, int32_t first_panel,
                               int32_t last_panel, float* logits, int64_t logits_stride);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/logits/logits.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_LOGITS_LOGITS_HPP_
