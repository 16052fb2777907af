#include <gtest/gtest.h>

#include <vector>

#include "dynamicmoe/dynamicmoe.h"

namespace {

struct PlanCall {
  std::vector<int32_t> ids = {2, 0, -1, 2, 0, -1};
  std::vector<int64_t> offsets = std::vector<int64_t>(4, -9);
  std::vector<int32_t> tokens = std::vector<int32_t>(4, -9), rows = std::vector<int32_t>(6, -9);
  dmoe_routes routes{};
  dmoe_plan plan{};

  PlanCall() {
    routes.struct_size = sizeof routes;
    routes.slots = 2;
    routes.tokens = 3;
    routes.ids = ids.data();
    plan.struct_size = sizeof plan;
    plan.experts = 3;
    plan.capacity = 4;
    plan.offsets = offsets.data();
    plan.tokens = tokens.data();
    plan.rows = rows.data();
  }
  dmoe_status build() { return dmoe_plan_build(&routes, &plan); }
};

TEST(PlanExport, Build_OfRoutesWithUnusedSlots_IsCompact) {
  PlanCall call;
  ASSERT_EQ(call.build(), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(call.offsets, (std::vector<int64_t>{0, 2, 2, 4}));
  EXPECT_EQ(call.tokens, (std::vector<int32_t>{0, 2, 0, 1}));
  EXPECT_EQ(call.rows, (std::vector<int32_t>{2, 0, -1, 3, 1, -1}));
}

TEST(PlanExport, Build_WhenItCannotHold_LeavesEverythingUntouched) {
  PlanCall call;
  call.plan.capacity = 3;
  EXPECT_EQ(call.build(), DMOE_E_SHAPE);
  EXPECT_STREQ(dmoe_last_error(), "plan_build: plan.capacity is 3, the routes need 4");
  call.plan.capacity = 4;
  call.ids[3] = 3;
  EXPECT_EQ(call.build(), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "plan_build: routes.ids of token 1, slot 1 is 3, must be within -1..2");
  call.ids[3] = -2;
  EXPECT_EQ(call.build(), DMOE_E_ARGUMENT);
  call.ids[3] = 2;
  call.plan.rows = call.ids.data();
  EXPECT_EQ(call.build(), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "plan_build: plan.rows overlaps routes.ids");
  call.plan.rows = nullptr;
  EXPECT_EQ(call.build(), DMOE_E_ARGUMENT);
  call.plan.rows = call.rows.data();
  call.plan.experts = 0;
  EXPECT_EQ(call.build(), DMOE_E_SHAPE);
  call.plan.experts = 3;
  call.routes.tokens = -1;
  EXPECT_EQ(call.build(), DMOE_E_SHAPE);
  call.routes.tokens = int64_t{1} << 40;
  EXPECT_EQ(call.build(), DMOE_E_SHAPE);
  EXPECT_EQ(dmoe_plan_build(nullptr, &call.plan), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_plan_build(&call.routes, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(call.offsets, std::vector<int64_t>(4, -9));
  EXPECT_EQ(call.tokens, std::vector<int32_t>(4, -9));
  EXPECT_EQ(call.rows, std::vector<int32_t>(6, -9));
}

TEST(PlanExport, Build_OfNothing_IsAllZeroOffsets) {
  PlanCall call;
  call.routes.tokens = 0;
  call.routes.ids = nullptr;
  ASSERT_EQ(call.build(), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(call.offsets, std::vector<int64_t>(4, 0));
}

}  // namespace
