// plan: every kernel against the definition.
#include "ops/plan/plan.hpp"

#include <gtest/gtest.h>

#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

TEST(PlanOp, Build_OfAnyRoutes_OrdersThemByExpertThenToken) {
  Random random(6);
  for (const auto& line : kernel_lines<plan_build_kernel>("plan_build"))
    for (int64_t tokens : {0, 1, 2, 50})
      for (int32_t slots : {1, 3})
        for (int32_t experts : {1, 4, 60}) {
          std::vector<int32_t> ids;
          for (int64_t i = 0; i < tokens * slots; ++i)
            ids.push_back(static_cast<int32_t>(random.below(experts + 1)) - 1);
          std::vector<int64_t> offsets(static_cast<size_t>(experts + 1), -9);
          std::vector<int32_t> owners(ids.size() + 1, -9), rows(ids.size(), -9);
          const int64_t routes =
              line.run(ids.data(), tokens, slots, experts, offsets.data(), owners.data(), rows.data());
          int64_t place = 0;
          for (int32_t e = 0; e < experts; ++e) {
            ASSERT_EQ(offsets[static_cast<size_t>(e)], place);
            for (size_t i = 0; i < ids.size(); ++i)
              if (ids[i] == e) {
                ASSERT_EQ(owners[static_cast<size_t>(place)], static_cast<int64_t>(i) / slots);
                ASSERT_EQ(rows[i], place);
                ++place;
              }
          }
          ASSERT_EQ(offsets.back(), place);
          ASSERT_EQ(routes, place);
          ASSERT_EQ(owners[static_cast<size_t>(place)], -9) << "written past the last route";
          for (size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(rows[i] == -1, ids[i] == -1);
        }
}

}  // namespace
}  // namespace dmoe::test
