// select / portable: one token at a time. E comparisons against the smallest kept key, nearly all of which
// fail.
#include "core/rules/score.hpp"
#include "ops/select/select.hpp"

namespace dmoe {
namespace {

int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// How many of the ordered experts are taken.
int32_t taken(const Select& task, const uint64_t* keys, const float* logits, const float* mass, float total,
              int32_t limit, float gap_limit) {
  const float first = logits[rule_key_id(keys[0])];
  float sum = 0.0f;
  for (int32_t i = 0; i < limit; ++i) {
    const int32_t id = rule_key_id(keys[i]);
    if (i >= task.kmin) {
      if (task.strategy == DMOE_STRATEGY_THRESHOLD &&
          rule_threshold_stops(rule_gap(task.rules.sigmoid, first, logits[id]), gap_limit))
        return i;
      if (task.strategy == DMOE_STRATEGY_TOP_P && rule_mass_suffices(sum, total, task.top_p)) return i;
    }
    sum += mass[id];
  }
  return limit;
}

// weights[i] = scale * mass(keys[i]) / sum of mass over the `over` experts of base, whose best is not below
// any of keys.
void shares(const Select& task, const float* logits, const float* mass, const uint64_t* keys, int32_t count,
            const uint64_t* base, int32_t over, float* weights) {
  for (int32_t i = 0; i < over; ++i) task.base[i] = mass[rule_key_id(base[i])];
  float sum = rule_tree_sum(task.base, over);
  if (sum >= DMOE_SMALLEST_MASS) {
    for (int32_t i = 0; i < count; ++i) weights[i] = task.routed_scale * (mass[rule_key_id(keys[i])] / sum);
    return;
  }
  // Far below the best logit, or far below 0 at a sigmoid gate, p is proportional to e^l.
  float best = logits[rule_key_id(base[0])];
  for (int32_t i = 1; i < over; ++i) {
    const float l = logits[rule_key_id(base[i])];
    best = l > best ? l : best;
  }
  for (int32_t i = 0; i < over; ++i) task.base[i] = rule_exp(logits[rule_key_id(base[i])] - best);
  sum = rule_tree_sum(task.base, over);
  for (int32_t i = 0; i < count; ++i)
    weights[i] = task.routed_scale * (rule_exp(logits[rule_key_id(keys[i])] - best) / sum);
}

// Copies the ranked keys of the subset. @return how many there are
int32_t within_groups(const Select& task, int32_t ranked, uint64_t* keys) {
  int32_t kept = 0;
  for (int32_t i = 0; i < ranked; ++i)
    if (task.subset[rule_key_id(task.keys[i])]) keys[kept++] = task.keys[i];
  return kept;
}

// Ranks the whole subset. @return how many there are
int32_t beyond_groups(const Select& task, const float* logits, const float* mass, float total,
                      uint64_t* keys) {
  TopKeys top = {keys, task.rules.experts, 0};
  for (int32_t e = 0; e < task.rules.experts; ++e) {
    if (!task.subset[e]) continue;
    const float q = task.rules.bias ? rule_probability(&task.rules, mass, total, e) : logits[e];
    rule_offer(&top, rule_key(q, e));
  }
  rule_sort_top(&top);
  return top.count;
}

}  // namespace

void select__scalar(const Select& task) {
  for (int64_t r = 0; r < task.rows; ++r) {
    const float* logits = task.logits + r * task.stride;
    const float* mass = task.mass + r * task.stride;
    const float total = task.totals[r];
    int32_t* ids = task.ids + r * task.slots;
    float* weights = task.weights + r * task.slots;
    int32_t usable;
    const int32_t ranked = rule_rank(&task.rules, logits, mass, total, task.ranked, task.keys, &usable);
    // trained_scale's base stays the static choice, whatever the batch may use.
    const uint64_t* base = task.keys;
    int32_t over = smaller(task.trained_k, ranked);
    const uint64_t* keys = task.keys;
    int32_t order = ranked;
    if (task.subset) {
      uint64_t* kept = task.keys + task.rules.experts;
      keys = kept;
      order = within_groups(task, ranked, kept);
      if (order < task.kmin) {
        order = beyond_groups(task, logits, mass, total, kept);
        base = kept;
        over = smaller(task.trained_k, order);
      }
    }
    const float gap_limit = task.strategy == DMOE_STRATEGY_THRESHOLD ? task.gap_limits[r] : 0.0f;
    const int32_t count = taken(task, keys, logits, mass, total, smaller(task.limits[r], order), gap_limit);
    switch (task.weighting) {
      case DMOE_WEIGHT_RENORMALIZE:
        shares(task, logits, mass, keys, count, keys, count, weights);
        break;
      case DMOE_WEIGHT_TRAINED_SCALE:
        shares(task, logits, mass, keys, count, base, over, weights);
        break;
      case DMOE_WEIGHT_RAW:
        for (int32_t i = 0; i < count; ++i) {
          const float m = mass[rule_key_id(keys[i])];
          weights[i] = task.routed_scale * (task.rules.sigmoid ? m : m / total);
        }
        break;
    }
    for (int32_t i = 0; i < count; ++i) ids[i] = rule_key_id(keys[i]);
    for (int32_t i = count; i < task.slots; ++i) {
      ids[i] = -1;
      weights[i] = 0.0f;
    }
    if (task.counts) task.counts[r] = count;
    if (task.gaps)
      for (int32_t i = 0; i < task.slots; ++i)
        task.gaps[r * task.slots + i] = i < order ? rule_gap(task.rules.sigmoid, logits[rule_key_id(keys[0])],
                                                             logits[rule_key_id(keys[i])])
                                                  : __builtin_inff();
  }
}

}  // namespace dmoe
