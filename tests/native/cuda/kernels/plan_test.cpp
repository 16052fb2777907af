// plan.cu against ops/plan: the same plan, whatever the schedule.
#include "ops/plan/plan.hpp"

#include <gtest/gtest.h>

#include "cuda/kernels/launches.hpp"
#include "support/cases/plan_cases.hpp"
#include "support/kernel_lines.hpp"

namespace dmoe::test {
namespace {

struct Plan {
  std::vector<int32_t> offsets, owners, rows;
  std::vector<int64_t> loads;
};

/** @param in_one by dmoe_plan_tile */
Plan run(KernelRunner& runner, const PlanCase& c, bool in_one = false) {
  const int32_t tiles = cuda::plan_tiles(static_cast<int32_t>(c.tokens), c.slots);
  // One element more each: what lies behind must stay as it is.
  Plan plan{std::vector<int32_t>(static_cast<size_t>(c.experts + 2), -9),
            std::vector<int32_t>(c.ids.size() + 1, -9), std::vector<int32_t>(c.ids.size() + 1, -9),
            std::vector<int64_t>(static_cast<size_t>(c.experts), -9)};
  std::vector<int32_t> counts(static_cast<size_t>(tiles) * static_cast<size_t>(c.experts), -9);
  cuda::PlanTask task{};
  task.ids = c.ids.data();
  task.tokens = static_cast<int32_t>(c.tokens);
  task.slots = c.slots;
  task.experts = c.experts;
  task.tiles = tiles;
  task.tile_counts = counts.data();
  task.offsets = plan.offsets.data();
  task.token_of = plan.owners.data();
  task.rows = plan.rows.data();
  task.expert_routes = plan.loads.data();
  if (in_one) {
    EXPECT_TRUE(cuda::plan_in_one(task));
    launch(runner, "dmoe_plan_tile", cuda::launch_plan_tiles(task), task);
    return plan;
  }
  launch(runner, "dmoe_plan_count", cuda::launch_plan_tiles(task), task);
  launch(runner, "dmoe_plan_scan", cuda::launch_plan_scan(task), task);
  launch(runner, "dmoe_plan_scatter", cuda::launch_plan_tiles(task), task);
  return plan;
}

TEST(CudaPlan, OfAnyRoutes_IsThePlanOfTheCpu) {
  auto* const cpu = kernel_lines<plan_build_kernel>("plan_build").back().run;
  for (const PlanCase& c : plan_cases()) {
    std::vector<int64_t> offsets(static_cast<size_t>(c.experts + 1));
    std::vector<int32_t> owners(c.ids.size() + 1, -9), rows(c.ids.size() + 1, -9);
    const int64_t routes =
        cpu(c.ids.data(), c.tokens, c.slots, c.experts, offsets.data(), owners.data(), rows.data());
    const bool one_tile = cuda::plan_tiles(static_cast<int32_t>(c.tokens), c.slots) == 1;
    for (KernelRunner* runner : runners())
      for (const bool in_one : {false, true}) {
        if (in_one && (!one_tile || c.experts > cuda::kMostExperts)) continue;
        SCOPED_TRACE(c.name + ", " + runner->name() + (in_one ? ", in one launch" : ""));
        const Plan plan = run(*runner, c, in_one);
        ASSERT_EQ(std::vector<int64_t>(plan.offsets.begin(), plan.offsets.end() - 1), offsets);
        ASSERT_EQ(plan.offsets.back(), -9);
        ASSERT_EQ(plan.owners, owners) << routes << " routes";
        ASSERT_EQ(plan.rows, rows);
        for (size_t e = 0; e < plan.loads.size(); ++e) ASSERT_EQ(plan.loads[e], offsets[e + 1] - offsets[e]);
      }
  }
}

TEST(CudaPlan, OfIdsThatDoNotExist_TakesThemAsUnused) {
  PlanCase c{"hostile", 3, 2, 4, {7, 1, -2, 3, 1 << 30, -(1 << 30)}};
  for (KernelRunner* runner : runners()) {
    for (const bool in_one : {false, true}) {
      const Plan plan = run(*runner, c, in_one);
      EXPECT_EQ(plan.offsets, (std::vector<int32_t>{0, 0, 1, 1, 2, -9})) << runner->name();
      EXPECT_EQ(plan.rows, (std::vector<int32_t>{-1, 0, -1, 1, -1, -1, -9})) << runner->name();
      EXPECT_EQ(plan.owners[0], 0);
      EXPECT_EQ(plan.owners[1], 1);
    }
  }
}

TEST(CudaPlan, LaunchOfAnySize_CountsInInt32) {
  EXPECT_EQ(cuda::plan_tiles(0, 8), 0);
  EXPECT_EQ(cuda::plan_tiles(0x7fffffff, 1), 1 << 21);
  EXPECT_EQ(cuda::plan_warps(512), 8);
  EXPECT_EQ(cuda::plan_warps(cuda::kPlanMostExperts), 1);
}

}  // namespace
}  // namespace dmoe::test
