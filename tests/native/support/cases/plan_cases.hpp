// Routes to be planned, for every engine that makes plans.
#ifndef DYNAMICMOE_TESTS_SUPPORT_CASES_PLAN_CASES_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_CASES_PLAN_CASES_HPP_

#include <string>
#include <vector>

#include "support/numbers.hpp"

namespace dmoe::test {

struct PlanCase {
  std::string name;
  int64_t tokens;
  int32_t slots, experts;
  std::vector<int32_t> ids;  // [tokens, slots]
};

inline std::vector<PlanCase> plan_cases() {
  Random random(6);
  std::vector<PlanCase> cases;
  const auto add = [&](int64_t tokens, int32_t slots, int32_t experts, const char* kind, auto id_of) {
    PlanCase c{std::string(kind) + " " + std::to_string(tokens) + " x " + std::to_string(slots) + ", " +
                   std::to_string(experts) + " experts",
               tokens,
               slots,
               experts,
               {}};
    for (int64_t i = 0; i < tokens * slots; ++i) c.ids.push_back(static_cast<int32_t>(id_of(i)));
    cases.push_back(c);
  };
  for (int32_t experts : {1, 60, 512})
    for (int32_t slots : {1, 3})
      for (int64_t tokens : {0, 1, 33})
        add(tokens, slots, experts, "any", [&](int64_t) { return random.below(experts + 1) - 1; });
  // A whole tile, and one of a few experts.
  add(128, 8, 300, "any", [&](int64_t) { return random.below(301) - 1; });
  add(341, 3, 5, "any", [&](int64_t) { return random.below(6) - 1; });
  // More than one tile of 1024 slots, and its ends.
  for (int64_t tokens : {127, 128, 129, 400})
    add(tokens, 8, 64, "any", [&](int64_t) { return random.below(65) - 1; });
  add(300, 7, 512, "one expert", [](int64_t) { return 511; });
  add(300, 7, 60, "no expert", [](int64_t) { return -1; });
  add(512, 4, 256, "falling", [](int64_t i) { return 255 - i % 256; });
  add(40, 8, 4096, "any", [&](int64_t) { return random.below(4097) - 1; });
  add(300, 8, 1600, "any", [&](int64_t) { return random.below(1601) - 1; });
  return cases;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_CASES_PLAN_CASES_HPP_
