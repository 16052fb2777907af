// count / portable.
#include "core/rules/choice.hpp"
#include "ops/count/count.hpp"

namespace dmoe {

void count__scalar(const Count& task) {
  for (int64_t t = 0; t < task.tokens; ++t)
    task.limits[t] = task.given ? rule_clamp(task.given[t], task.kmin, task.kmax)
                                : rule_count(task.kmin, task.kmax, task.scores[t], task.offset);
}

}  // namespace dmoe
