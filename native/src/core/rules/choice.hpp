// Order, count, stop and capacity rules.
#ifndef DYNAMICMOE_CORE_RULES_CHOICE_HPP_
#define DYNAMICMOE_CORE_RULES_CHOICE_HPP_

#include "core/rules/math.hpp"

namespace dmoe {

/** Key of an expert that may not be chosen; below every other key. */
#define DMOE_KEY_MASKED ((uint64_t)0)

/** Maps floats to integers of the same order; -0 equals +0. */
DMOE_RULE uint32_t rule_ordered(float x) {
  const uint32_t bits = rule_bits(x + 0.0f);
  return (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
}

/** The float that rule_ordered() came from; +0 for either zero. */
DMOE_RULE float rule_unordered(uint32_t ordered) {
  return rule_float((ordered & 0x80000000u) ? ordered & 0x7fffffffu : ~ordered);
}

/** Preference as one integer: larger = chosen earlier; falling q, ties by lower id. q is finite, so no key is
 * 0. */
DMOE_RULE uint64_t rule_key(float q, int32_t id) {
  return ((uint64_t)rule_ordered(q) << 32) | (uint32_t) ~(uint32_t)id;
}
DMOE_RULE int32_t rule_key_id(uint64_t key) { return (int32_t) ~(uint32_t)key; }
DMOE_RULE float rule_key_q(uint64_t key) { return rule_unordered((uint32_t)(key >> 32)); }

/** k = clamp(roundHalfEven(kmin + (kmax - kmin) s + o), kmin, kmax); in double, where the product is exact.
 */
DMOE_RULE int32_t rule_count(int32_t kmin, int32_t kmax, float score, float offset) {
  const double x = (double)kmin + (double)(kmax - kmin) * (double)score + (double)offset;
  if (!(x > (double)kmin)) return kmin;
  if (x >= (double)kmax) return kmax;
  const int32_t whole = (int32_t)x;
  const double rest = x - (double)whole;
  return whole + (rest > 0.5 || (rest == 0.5 && (whole & 1)) ? 1 : 0);
}

DMOE_RULE int32_t rule_clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

/** l(1) - l(i); for sigmoid gates -ln(p(i)/p(1)) from log-sigmoids, which do not underflow. */
DMOE_RULE float rule_gap(int sigmoid, float first_logit, float logit) {
  return sigmoid ? rule_log_sigmoid(first_logit) - rule_log_sigmoid(logit) : first_logit - logit;
}

/** Threshold strategy: whether selection stops before an expert with this gap. limit = -ln tau; +inf for tau
 * = 0. */
DMOE_RULE int rule_threshold_stops(float gap, float limit) { return gap > limit; }

/** Top-p strategy: whether the taken mass suffices. */
DMOE_RULE int rule_mass_suffices(float taken, float total, float share) { return taken >= share * total; }

/** Routes that one expert may keep: ceil(factor R / E). The factor is a float, so a product within its
 * rounding (2^-24) of an integer means that integer: 1.2f * 100 / 10 is 12.0000005 and stands for 12. */
DMOE_RULE int64_t rule_capacity(float factor, int64_t routes, int64_t experts) {
  const double x = (double)factor * (double)routes / (double)experts;
  if (x >= 9.0e18) return INT64_MAX;
  const int64_t whole = (int64_t)x;
  const double rest = x - (double)whole;
  return whole + (rest > x * 0x1p-24 ? 1 : 0);
}

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_RULES_CHOICE_HPP_
