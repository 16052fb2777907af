#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "dynamicmoe/dynamicmoe.h"

namespace {

struct CombineCall {
  std::vector<int32_t> ids = {2, 0, -1, 2, -1, -1}, rows = {2, 0, -1, 1, -1, -1};
  std::vector<float> weights = {0.75f, 0.25f, 0, 2, 0, 0}, expert_rows = {4, 8, 1, 3, 16, 32};
  std::vector<float> out = std::vector<float>(6, -9);
  dmoe_routes routes{};
  dmoe_plan plan{};
  dmoe_matrix_f32 input{};
  dmoe_output_f32 output{};

  CombineCall() {
    routes.struct_size = sizeof routes;
    routes.slots = 2;
    routes.tokens = 3;
    routes.ids = ids.data();
    routes.weights = weights.data();
    plan.struct_size = sizeof plan;
    plan.experts = 3;
    plan.rows = rows.data();
    input = {sizeof input, expert_rows.data(), 3, 2, 2};
    output = {sizeof output, out.data(), 3, 2, 2};
  }
  dmoe_status combine() { return dmoe_combine(&routes, &plan, &input, &output); }
  void expect_refusal(dmoe_status status, const char* text) {
    EXPECT_EQ(combine(), status);
    EXPECT_STREQ(dmoe_last_error(), text);
    EXPECT_EQ(out, std::vector<float>(6, -9));
  }
};

TEST(CombineExport, Combine_OfRoutesWithUnusedSlots_AddsUpByWeight) {
  CombineCall call;
  ASSERT_EQ(call.combine(), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(call.out, (std::vector<float>{13, 26, 2, 6, 0, 0}));
}

TEST(CombineExport, Combine_WhenShapesDiffer_NamesBothAndWritesNothing) {
  CombineCall call;
  call.output.rows = 2;
  call.expect_refusal(DMOE_E_SHAPE, "combine: output.rows is 2, routes.tokens is 3");
  call.output.rows = 3;
  call.input.columns = 1;
  call.expect_refusal(DMOE_E_SHAPE, "combine: output.columns is 2, expert_rows.columns is 1");
  call.input.columns = 2;
  call.rows[3] = 3;
  call.expect_refusal(DMOE_E_SHAPE, "combine: plan.rows[3] is 3, must be within -1..2");
  call.rows[3] = -2;
  call.expect_refusal(DMOE_E_SHAPE, "combine: plan.rows[3] is -2, must be within -1..2");
}

TEST(CombineExport, Combine_WhenPointersAreUnusable_WritesNothing) {
  CombineCall call;
  call.routes.weights = nullptr;
  call.expect_refusal(DMOE_E_ARGUMENT, "combine: routes.weights is NULL");
  call.routes.weights = call.out.data();
  call.expect_refusal(DMOE_E_ARGUMENT, "combine: output overlaps routes.weights");
  EXPECT_EQ(dmoe_combine(nullptr, &call.plan, &call.input, &call.output), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_combine(&call.routes, nullptr, &call.input, &call.output), DMOE_E_ARGUMENT);
}

TEST(CombineExport, Combine_WhenARowIsNotFinite_NamesTokenAndExpert) {
  CombineCall call;
  call.expert_rows[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(call.combine(), DMOE_E_OVERFLOW);
  EXPECT_STREQ(dmoe_last_error(), "combine: the output of token 1 is not finite, through expert 2");
}

}  // namespace
