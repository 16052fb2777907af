// distinct / portable.
#include <algorithm>

#include "core/rules/math.hpp"
#include "ops/distinct/distinct.hpp"

namespace dmoe {
namespace {

// Marks in subset while the rule runs.
constexpr uint8_t kUsed = 1;
constexpr uint8_t kFirst = 2;

// Marks used experts and first choices. @return how many are used
int32_t mark(const Distinct& task) {
  std::fill(task.subset, task.subset + task.experts, uint8_t{0});
  int32_t used = 0;
  for (int64_t t = 0; t < task.tokens; ++t)
    for (int32_t s = 0; s < task.slots; ++s) {
      const int32_t id = task.ids[t * task.slots + s];
      if (id < 0) continue;
      used += task.subset[id] == 0;
      task.subset[id] |= s == 0 ? kFirst | kUsed : kUsed;
    }
  return used;
}

void sum_probabilities(const Distinct& task) {
  std::fill(task.sums, task.sums + task.experts, 0.0);
  for (int64_t t = 0; t < task.tokens; ++t) {
    const float* logits = task.logits + t * task.stride;
    const float total = task.sigmoid ? (rule_sigmoid_mass(logits, task.experts, task.mass), 1.0f)
                                     : rule_softmax_mass(logits, task.experts, task.mass);
    for (int32_t e = 0; e < task.experts; ++e)
      task.sums[e] += static_cast<double>(task.mass[e]) / static_cast<double>(total);
  }
}

}  // namespace

void distinct__scalar(Distinct& task) {
  task.capped = mark(task) > task.cap;
  if (!task.capped) return;
  sum_probabilities(task);
  int32_t usable = 0;
  for (int32_t e = 0; e < task.experts; ++e)
    if (task.mask == nullptr || task.mask[e] != 0) task.order[usable++] = e;
  std::sort(task.order, task.order + usable, [&](int32_t a, int32_t b) {
    const bool first_a = task.subset[a] & kFirst, first_b = task.subset[b] & kFirst;
    if (first_a != first_b) return first_a;
    return task.sums[a] != task.sums[b] ? task.sums[a] > task.sums[b] : a < b;
  });
  std::fill(task.subset, task.subset + task.experts, uint8_t{0});
  for (int32_t i = 0; i < std::min(task.cap, usable); ++i) task.subset[task.order[i]] = 1;
}

}  // namespace dmoe
