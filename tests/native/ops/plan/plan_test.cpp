// plan: every kernel against the definition.
#include "ops/plan/plan.hpp"

#include <gtest/gtest.h>

#include "support/cases/plan_cases.hpp"
#include "support/kernel_lines.hpp"

namespace dmoe::test {
namespace {

TEST(PlanOp, Build_OfAnyRoutes_OrdersThemByExpertThenToken) {
  for (const auto& line : kernel_lines<plan_build_kernel>("plan_build"))
    for (const PlanCase& c : plan_cases()) {
      SCOPED_TRACE(c.name);
      std::vector<int64_t> offsets(static_cast<size_t>(c.experts + 1), -9);
      std::vector<int32_t> owners(c.ids.size() + 1, -9), rows(c.ids.size(), -9);
      const int64_t routes =
          line.run(c.ids.data(), c.tokens, c.slots, c.experts, offsets.data(), owners.data(), rows.data());
      std::vector<std::vector<size_t>> of_expert(static_cast<size_t>(c.experts));
      for (size_t i = 0; i < c.ids.size(); ++i) {
        ASSERT_EQ(rows[i] == -1, c.ids[i] == -1);
        if (c.ids[i] >= 0) of_expert[static_cast<size_t>(c.ids[i])].push_back(i);
      }
      int64_t place = 0;
      for (int32_t e = 0; e < c.experts; ++e) {
        ASSERT_EQ(offsets[static_cast<size_t>(e)], place);
        for (size_t i : of_expert[static_cast<size_t>(e)]) {
          ASSERT_EQ(owners[static_cast<size_t>(place)], static_cast<int64_t>(i) / c.slots);
          ASSERT_EQ(rows[i], place);
          ++place;
        }
      }
      ASSERT_EQ(offsets.back(), place);
      ASSERT_EQ(routes, place);
      ASSERT_EQ(owners[static_cast<size_t>(place)], -9) << "written past the last route";
    }
}

}  // namespace
}  // namespace dmoe::test
