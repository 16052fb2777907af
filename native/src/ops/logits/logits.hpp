// logits: l = H Wg^T + b in float32, and the noise on top of it.
// Weights are packed in panels of 32 experts (core/panel_gemm.hpp), the last panel padded with zeros, as is
// the bias; of a last panel with at most 16 experts only the first half is computed. Every kernel keeps one
// float32 accumulator per logit, starts it at 0, adds fma(h[k], w[k]) with k ascending and then the bias, so
// that all levels agree bit for bit and a logit does not depend on the batch.
// Error: |l - exact| <= (K + 1) * 2^-24 * (sum |h w| + |b|) * (1 + small), the usual bound of a recursive
// sum. A NaN or infinity in h makes every logit of its row non-finite: an infinity reaches a sum as infinity
// or, through a zero weight, as NaN, and never leaves it.
#ifndef DYNAMICMOE_OPS_LOGITS_LOGITS_HPP_
#define DYNAMICMOE_OPS_LOGITS_LOGITS_HPP_

#include <stdint.h>

namespace dmoe {

/** A block of logits: rows x panels. */
struct Logits {
  const float* hidden;    // [rows, K]
  int64_t hidden_stride;  // elements between rows
  int64_t rows;
  int64_t K;
  const float* packed;  // first panel
  const float* bias;    // [32 * panels] for the first panel on, or NULL
  int64_t panels;
  int64_t last_columns;   // columns of the last panel that are experts, 1..32; the others are not needed
  float* logits;          // [out] [rows, 32 * panels]; padding columns are undefined
  int64_t logits_stride;  // elements between rows
};
using logits_f32_kernel = void(const Logits&);

/** Noise for rows of logits, in place: l += factor * z(seed, position, expert). Exact rules:
 * core/rules/noise.hpp. */
struct Noise {
  float* logits;  // [rows, experts]
  int64_t stride;
  int64_t rows;
  int32_t experts;
  float factor;
  uint64_t seed;
  const int64_t* positions;  // [rows] or NULL: first_position, first_position + 1, ...
  int64_t first_position;
};
using noise_f32_kernel = void(const Noise&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/logits/logits.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_LOGITS_LOGITS_HPP_
