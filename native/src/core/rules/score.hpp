// What a row of logits or masses says about its token: the terms of the scores, which decide how many experts
// a token gets, and the weights' lower end.
#ifndef DYNAMICMOE_CORE_RULES_SCORE_HPP_
#define DYNAMICMOE_CORE_RULES_SCORE_HPP_

#include "core/rules/math.hpp"

namespace dmoe {

#define DMOE_SMALLEST_NORMAL 1.17549435e-38f

/** Below this a sum of masses has lost its digits to underflow; logits take over (ops/select). */
#define DMOE_SMALLEST_MASS 1e-30f

/** p(2)/p(1) from the two largest logits of a row; 0 for one column. */
DMOE_RULE float rule_margin(int sigmoid, int64_t columns, float first, float second) {
  float margin = columns < 2 ? 0.0f : rule_exp(second - first);
  if (sigmoid && columns >= 2) {
    // Where both underflow, sigmoid(x) is e^x and the softmax formula is its ratio.
    const float p = rule_sigmoid(first);
    if (p > 1e-30f) margin = rule_sigmoid(second) / p;
  }
  return margin > 1.0f ? 1.0f : margin;
}

/** d = (best - x) / temperature, where e^-d is the mass of x. */
DMOE_RULE float rule_distance(float best, float x, float temperature) {
  const float d = (best - x) / temperature;
  return d < 104.0f ? d : 104.0f;
}

/** Entropy in nats from S = sum e^-d and A = sum d e^-d. */
DMOE_RULE float rule_softmax_entropy(float s, float a) { return rule_log(s) + a / s; }

/** ln x, of the smallest normal number for what is below it. */
DMOE_RULE float rule_log_normal(float x) {
  return rule_log(x > DMOE_SMALLEST_NORMAL ? x : DMOE_SMALLEST_NORMAL);
}

/** (x / best)^(1 / temperature); 0 where the share is below the normal numbers. */
DMOE_RULE float rule_sharpened(float x, float best, float temperature) {
  const float share = x / best;
  const float power = rule_exp(rule_log_normal(share) / temperature);
  return share > DMOE_SMALLEST_NORMAL ? power : 0.0f;
}

/** ln n as a float, n >= 1: in double within 2^-50, so that all but one in some 10^7 are the nearest float.
 */
DMOE_RULE float rule_log_count(int64_t n) {
  const double x = (double)n;
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  // x = m 2^e with m in [sqrt 1/2, sqrt 2).
  const uint64_t shifted = bits - 0x3fe6a09e667f3bcdu;
  const int32_t e = (int32_t)((int64_t)shifted >> 52);
  bits = (shifted & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu;
  double m;
  __builtin_memcpy(&m, &bits, sizeof m);
  // ln m = 2 artanh(s), |s| < 0.172: terms beyond s^19 are below 2 * 0.172^21 / 21 = 8e-18.
  const double s = (m - 1.0) / (m + 1.0), z = s * s;
  double p = 1.0 / 19.0;
  for (int32_t k = 17; k >= 3; k -= 2) p = __builtin_fma(p, z, 1.0 / k);
  const double log_m = __builtin_fma(2.0 * s * z, p, 2.0 * s);
  return (float)__builtin_fma((double)e, 0.693147180559945286, log_m);
}

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_RULES_SCORE_HPP_
