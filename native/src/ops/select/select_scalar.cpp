// select / portable: one token at a time. E comparisons against the smallest kept key, nearly all of which
// fail.
#include "core/rules/math.hpp"
#include "ops/select/select.hpp"

namespace dmoe {
namespace {

// Below this a sum of masses has lost its digits to underflow; logits take over.
constexpr float kSmallestSum = 1e-30f;

int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// How many of the ranked experts are taken.
int32_t taken(const Select& task, const float* logits, const float* mass, float total, int32_t limit,
              float gap_limit) {
  const float first = logits[rule_key_id(task.keys[0])];
  float sum = 0.0f;
  for (int32_t i = 0; i < limit; ++i) {
    const int32_t id = rule_key_id(task.keys[i]);
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

// weights[i] = scale * mass(i) / sum of mass over the first `over` ranked experts.
void shares(const Select& task, const float* logits, const float* mass, int32_t count, int32_t over,
            float* weights) {
  for (int32_t i = 0; i < over; ++i) task.base[i] = mass[rule_key_id(task.keys[i])];
  float sum = rule_tree_sum(task.base, over);
  if (sum >= kSmallestSum) {
    for (int32_t i = 0; i < count; ++i)
      weights[i] = task.routed_scale * (mass[rule_key_id(task.keys[i])] / sum);
    return;
  }
  // Far below the best logit, or far below 0 at a sigmoid gate, p is proportional to e^l.
  float best = logits[rule_key_id(task.keys[0])];
  for (int32_t i = 1; i < over; ++i) {
    const float l = logits[rule_key_id(task.keys[i])];
    best = l > best ? l : best;
  }
  for (int32_t i = 0; i < over; ++i) task.base[i] = rule_exp(logits[rule_key_id(task.keys[i])] - best);
  sum = rule_tree_sum(task.base, over);
  for (int32_t i = 0; i < count; ++i)
    weights[i] = task.routed_scale * (rule_exp(logits[rule_key_id(task.keys[i])] - best) / sum);
}

void write_weights(const Select& task, const float* logits, const float* mass, float total, int32_t count,
                   int32_t order, float* weights) {
  switch (task.weighting) {
    case DMOE_WEIGHT_RENORMALIZE:
      shares(task, logits, mass, count, count, weights);
      break;
    case DMOE_WEIGHT_TRAINED_SCALE:
      shares(task, logits, mass, count, smaller(task.trained_k, order), weights);
      break;
    case DMOE_WEIGHT_RAW:
      for (int32_t i = 0; i < count; ++i) {
        const float m = mass[rule_key_id(task.keys[i])];
        weights[i] = task.routed_scale * (task.rules.sigmoid ? m : m / total);
      }
      break;
  }
}

}  // namespace

void select__scalar(const Select& task) {
  for (int64_t r = 0; r < task.rows; ++r) {
    const float* logits = task.logits + r * task.stride;
    const float* mass = task.mass + r * task.stride;
    int32_t* ids = task.ids + r * task.slots;
    float* weights = task.weights + r * task.slots;
    int32_t usable;
    const int32_t order =
        rule_rank(&task.rules, logits, mass, task.totals[r], task.ranked, task.keys, &usable);
    const float gap_limit = task.strategy == DMOE_STRATEGY_THRESHOLD ? task.gap_limits[r] : 0.0f;
    const int32_t count =
        taken(task, logits, mass, task.totals[r], smaller(task.limits[r], order), gap_limit);
    write_weights(task, logits, mass, task.totals[r], count, order, weights);
    for (int32_t i = 0; i < count; ++i) ids[i] = rule_key_id(task.keys[i]);
    for (int32_t i = count; i < task.slots; ++i) {
      ids[i] = -1;
      weights[i] = 0.0f;
    }
    if (task.counts) task.counts[r] = count;
    if (task.gaps)
      for (int32_t i = 0; i < task.slots; ++i)
        task.gaps[r * task.slots + i] = i < order
                                            ? rule_gap(task.rules.sigmoid, logits[rule_key_id(task.keys[0])],
                                                       logits[rule_key_id(task.keys[i])])
                                            : __builtin_inff();
  }
}

}  // namespace dmoe
