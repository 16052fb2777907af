// The order in which a token prefers experts: group limits, mask, then falling q. Used by selection and by
// rerouting.
#ifndef DYNAMICMOE_CORE_RULES_RANK_HPP_
#define DYNAMICMOE_CORE_RULES_RANK_HPP_

#include "core/rules/choice.hpp"

namespace dmoe {

/** What ranks the experts of a token. q = p + bias; without a bias the logits stand in for p, which orders
 * the same way without p's rounding. */
struct RankRules {
  int32_t experts;
  int32_t sigmoid;  // mass is p itself; else p = mass / total
  int32_t groups;
  int32_t top_groups;
  int32_t top2_sum;     // groups are ranked by the sum of their two best q, else by the best
  const float* bias;    // [experts] or NULL
  const uint8_t* mask;  // [experts] 0 = not usable, or NULL
};

/** A bounded list of the n largest keys offered to it, n >= 1. Keys are unique, so the order of offers does
 * not matter. */
struct TopKeys {
  uint64_t* keys;
  int32_t n;
  int32_t count;
};

/** Up to this many keys an insertion into the sorted list is faster than a heap. */
#define DMOE_TOP_SORTED 32

DMOE_RULE void rule_heap_down(uint64_t* keys, int32_t count, int32_t i) {
  const uint64_t key = keys[i];
  for (int32_t child; (child = 2 * i + 1) < count; i = child) {
    if (child + 1 < count && keys[child + 1] < keys[child]) ++child;
    if (key <= keys[child]) break;
    keys[i] = keys[child];
  }
  keys[i] = key;
}

DMOE_RULE void rule_offer(TopKeys* top, uint64_t key) {
  uint64_t* keys = top->keys;
  if (top->n > DMOE_TOP_SORTED) {
    // A heap with the smallest kept key in front.
    if (top->count < top->n) {
      keys[top->count++] = key;
      if (top->count == top->n)
        for (int32_t i = top->n / 2 - 1; i >= 0; --i) rule_heap_down(keys, top->n, i);
    } else if (key > keys[0]) {
      keys[0] = key;
      rule_heap_down(keys, top->n, 0);
    }
    return;
  }
  int32_t place;
  if (top->count < top->n)
    place = top->count++;
  else if (key > keys[top->n - 1])
    place = top->n - 1;
  else
    return;
  for (; place > 0 && keys[place - 1] < key; --place) keys[place] = keys[place - 1];
  keys[place] = key;
}

/** @return what a q must at least be to enter a full list. */
DMOE_RULE float rule_floor(const TopKeys* top) {
  if (top->count < top->n) return -__builtin_inff();
  return rule_key_q(top->n > DMOE_TOP_SORTED ? top->keys[0] : top->keys[top->n - 1]);
}

/** Puts the kept keys in falling order. */
DMOE_RULE void rule_sort_top(TopKeys* top) {
  if (top->n <= DMOE_TOP_SORTED) return;
  uint64_t* keys = top->keys;
  if (top->count < top->n)
    for (int32_t i = top->count / 2 - 1; i >= 0; --i) rule_heap_down(keys, top->count, i);
  for (int32_t end = top->count - 1; end > 0; --end) {
    const uint64_t smallest = keys[0];
    keys[0] = keys[end];
    keys[end] = smallest;
    rule_heap_down(keys, end, 0);
  }
}

DMOE_RULE float rule_probability(const RankRules* rules, const float* mass, float total, int32_t e) {
  const float p = rules->sigmoid ? mass[e] : mass[e] / total;
  return rules->bias ? p + rules->bias[e] : p;
}

/** Key of one group; DMOE_KEY_MASKED when it has no usable expert. */
DMOE_RULE uint64_t rule_group_key(const RankRules* rules, const float* logits, const float* mass, float total,
                                  int32_t group) {
  const int32_t size = rules->experts / rules->groups;
  float best = 0.0f, second = 0.0f;
  int32_t usable = 0;
  for (int32_t e = group * size; e < (group + 1) * size; ++e) {
    if (rules->mask && rules->mask[e] == 0) continue;
    const float q = rules->bias || rules->top2_sum ? rule_probability(rules, mass, total, e) : logits[e];
    if (usable == 0 || q > best) {
      second = best;
      best = q;
    } else if (usable == 1 || q > second) {
      second = q;
    }
    ++usable;
  }
  if (usable == 0) return DMOE_KEY_MASKED;
  return rule_key(rules->top2_sum && usable > 1 ? best + second : best, group);
}

/** Elements of scratch beside keys[n]: one key per group. */
DMOE_RULE int32_t rule_rank_scratch(const RankRules* rules) { return rules->groups; }

/** Ranks the experts of one token. @param keys [out] [n + rule_rank_scratch] the first entries are the n best
 * keys in falling order @param usable [out] experts that may be chosen. @return keys written, min(n, usable)
 */
DMOE_RULE int32_t rule_rank(const RankRules* rules, const float* logits, const float* mass, float total,
                            int32_t n, uint64_t* keys, int32_t* usable) {
  TopKeys groups = {keys + n, rules->top_groups, 0};
  if (rules->top_groups < rules->groups) {
    for (int32_t g = 0; g < rules->groups; ++g) {
      const uint64_t key = rule_group_key(rules, logits, mass, total, g);
      if (key != DMOE_KEY_MASKED) rule_offer(&groups, key);
    }
  } else {
    groups.count = rules->groups;
  }
  const int32_t size = rules->experts / rules->groups;
  const int all = rules->top_groups >= rules->groups;
  TopKeys top = {keys, n, 0};
  int32_t offered = 0;
  // Most experts fail against the smallest kept q; one comparison of floats spares them the key.
  float floor = rule_floor(&top);
  for (int32_t i = 0; i < groups.count; ++i) {
    const int32_t group = all ? i : rule_key_id(groups.keys[i]);
    for (int32_t e = group * size; e < (group + 1) * size; ++e) {
      if (rules->mask && rules->mask[e] == 0) continue;
      ++offered;
      const float q = rules->bias ? rule_probability(rules, mass, total, e) : logits[e];
      if (q < floor) continue;
      rule_offer(&top, rule_key(q, e));
      floor = rule_floor(&top);
    }
  }
  rule_sort_top(&top);
  *usable = offered;
  return top.count;
}

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_RULES_RANK_HPP_
