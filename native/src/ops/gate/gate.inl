// gate: the body of every level. Plain loops over the rules; the level's flags make vectors of them.

#include "core/rules/math.hpp"

namespace dmoe {
namespace {

inline __attribute__((always_inline)) void gate_softmax(const Gate& task) {
  for (int64_t r = 0; r < task.rows; ++r)
    task.totals[r] =
        rule_softmax_mass(task.logits + r * task.stride, task.experts, task.mass + r * task.stride);
}

inline __attribute__((always_inline)) void gate_sigmoid(const Gate& task) {
  for (int64_t r = 0; r < task.rows; ++r)
    task.totals[r] =
        rule_sigmoid_mass(task.logits + r * task.stride, task.experts, task.mass + r * task.stride);
}

}  // namespace
}  // namespace dmoe
