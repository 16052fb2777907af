// plan / portable. offsets serve as cursors while filling: after the second pass offsets[e] is the start of e
// + 1, which one shift puts right.
#include "ops/plan/plan.hpp"

namespace dmoe {

int64_t plan_build__scalar(const int32_t* ids, int64_t token_count, int32_t slots, int32_t experts,
                           int64_t* offsets, int32_t* tokens, int32_t* rows) {
  for (int32_t e = 0; e <= experts; ++e) offsets[e] = 0;
  const int64_t cells = token_count * slots;
  for (int64_t i = 0; i < cells; ++i)
    if (ids[i] >= 0) ++offsets[ids[i] + 1];
  for (int32_t e = 0; e < experts; ++e) offsets[e + 1] += offsets[e];

  for (int64_t t = 0; t < token_count; ++t)
    for (int32_t s = 0; s < slots; ++s) {
      const int64_t i = t * slots + s;
      int32_t row = -1;
      if (ids[i] >= 0) {
        const int64_t place = offsets[ids[i]]++;
        tokens[place] = static_cast<int32_t>(t);
        row = static_cast<int32_t>(place);
      }
      if (rows) rows[i] = row;
    }

  const int64_t routes = offsets[experts];
  for (int32_t e = experts; e > 0; --e) offsets[e] = offsets[e - 1];
  offsets[0] = 0;
  return routes;
}

}  // namespace dmoe
