// capacity / portable.
#include <algorithm>

#include "core/rules/math.hpp"
#include "ops/capacity/capacity.hpp"

namespace dmoe {
namespace {

// Marks a slot whose route is over capacity until it is placed or dropped.
constexpr int32_t kOver = -2;

// The place of a claim in the order: falling weight in the high half, slot index (token, then rank) in the
// low half. Claims are handled in blocks of 2^32 slots at most, which a plan's int32 rows do not exceed.
uint64_t claim_of(float weight, uint64_t slot) {
  return (static_cast<uint64_t>(~rule_ordered(weight)) << 32) | slot;
}

bool has(const int32_t* ids, int32_t slots, int32_t expert) {
  for (int32_t s = 0; s < slots; ++s)
    if (ids[s] == expert) return true;
  return false;
}

int32_t next_choice(const Capacity& task, int64_t token, int64_t capacity) {
  const float* logits = task.logits + token * task.stride;
  const int32_t experts = task.rules.experts;
  float total = 0.0f;
  if (task.rules.bias || (task.rules.top2_sum && task.rules.top_groups < task.rules.groups))
    total = task.rules.sigmoid ? rule_sigmoid_mass(logits, experts, task.mass)
                               : rule_softmax_mass(logits, experts, task.mass);
  int32_t usable;
  const int32_t order = rule_rank(&task.rules, logits, task.mass, total, experts, task.keys, &usable);
  for (int32_t i = 0; i < order; ++i) {
    const int32_t expert = rule_key_id(task.keys[i]);
    if (task.load[expert] < capacity && !has(task.ids + token * task.slots, task.slots, expert))
      return expert;
  }
  return kOver;
}

// Moves the kept routes of a token to the left. @return routes that it lost
int32_t compact(const Capacity& task, int64_t token) {
  int32_t* ids = task.ids + token * task.slots;
  float* weights = task.weights + token * task.slots;
  double before = 0, after = 0;
  int32_t kept = 0, lost = 0;
  for (int32_t s = 0; s < task.slots; ++s) {
    if (ids[s] == -1) continue;
    before += weights[s];
    if (ids[s] == kOver) {
      ++lost;
      continue;
    }
    after += weights[s];
    ids[kept] = ids[s];
    weights[kept++] = weights[s];
  }
  if (lost > 0 && after > 0)
    for (int32_t s = 0; s < kept; ++s) weights[s] = static_cast<float>(weights[s] * (before / after));
  for (int32_t s = kept; s < task.slots; ++s) {
    ids[s] = -1;
    weights[s] = 0.0f;
  }
  if (task.counts) task.counts[token] = kept;
  return lost;
}

}  // namespace

void capacity__scalar(Capacity& task) {
  const int64_t cells = task.tokens * task.slots;
  int64_t routes = 0;
  for (int64_t i = 0; i < cells; ++i)
    if (task.ids[i] >= 0) task.claims[routes++] = claim_of(task.weights[i], static_cast<uint64_t>(i));
  std::sort(task.claims, task.claims + routes);

  const int64_t capacity = rule_capacity(task.factor, routes, task.rules.experts);
  for (int32_t e = 0; e < task.rules.experts; ++e) task.load[e] = 0;
  // Claims that find their expert full gather at the front, in order.
  int64_t over = 0;
  for (int64_t i = 0; i < routes; ++i) {
    int32_t& id = task.ids[task.claims[i] & 0xffffffffu];
    if (task.load[id] < capacity) {
      ++task.load[id];
    } else {
      id = kOver;
      task.claims[over++] = task.claims[i];
    }
  }
  task.overflow = over;
  if (task.reroute)
    for (int64_t i = 0; i < over; ++i) {
      const auto slot = static_cast<int64_t>(task.claims[i] & 0xffffffffu);
      const int32_t expert = next_choice(task, slot / task.slots, capacity);
      task.ids[slot] = expert;
      if (expert >= 0) ++task.load[expert];
    }
  task.dropped = 0;
  for (int64_t t = 0; t < task.tokens; ++t) task.dropped += compact(task, t);
}

}  // namespace dmoe
