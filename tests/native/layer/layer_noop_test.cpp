// noop: refuses what forward refuses at the border, and touches nothing behind it.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

TEST(LayerNoop, WhenArgumentsAreUsable_ReturnsOkAndWritesNothing) {
  const TestLayer layer{LayerSpec{}};
  // Not a number: forward would refuse it, for which it must read it.
  const std::vector<float> x(32, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> y(32, 5.0f);
  const dmoe_matrix_f32 in = matrix(x, 32);
  const dmoe_output_f32 out = output(y, 32);
  const dmoe_route_params p = layer.params();
  std::vector<int32_t> ids(2, 9);
  std::vector<float> weights(2, 9.0f);
  dmoe_routes routes{};
  routes.struct_size = sizeof routes;
  routes.slots = 2;
  routes.tokens = 1;
  routes.ids = ids.data();
  routes.weights = weights.data();
  dmoe_batch_report report{};
  report.struct_size = sizeof report;
  report.routes = -4;
  EXPECT_EQ(dmoe_layer_noop(layer.layer(), &in, &p, nullptr, &routes, &out, &report), DMOE_OK);
  EXPECT_EQ(dmoe_layer_noop(layer.layer(), &in, nullptr, nullptr, nullptr, &out, nullptr), DMOE_OK);
  EXPECT_EQ(y, std::vector<float>(32, 5.0f));
  EXPECT_EQ(ids, std::vector<int32_t>(2, 9));
  EXPECT_EQ(weights, std::vector<float>(2, 9.0f));
  EXPECT_EQ(report.routes, -4);
}

TEST(LayerNoop, WhenHandleOrMatrixIsUnusable_RefusesAsForwardDoes) {
  const TestLayer layer{LayerSpec{}};
  const std::vector<float> x(32, 1.0f);
  std::vector<float> y(32);
  const dmoe_route_params p = layer.params();
  const auto status = [&](auto* call, const dmoe_layer* handle, auto change) {
    dmoe_matrix_f32 in = matrix(x, 32);
    dmoe_output_f32 out = output(y, 32);
    change(in, out);
    return call(handle, &in, &p, nullptr, nullptr, &out, nullptr);
  };
  const auto same = [&](dmoe_status expected, const dmoe_layer* handle, auto change) {
    EXPECT_EQ(status(dmoe_layer_forward, handle, change), expected);
    EXPECT_EQ(status(dmoe_layer_noop, handle, change), expected);
    EXPECT_EQ(std::string(dmoe_last_error()).rfind("layer_noop: ", 0), 0u) << dmoe_last_error();
  };
  same(DMOE_E_ARGUMENT, nullptr, [](auto&, auto&) {});
  same(DMOE_E_SHAPE, layer.layer(), [](auto& in, auto&) { in.rows = -1; });
  same(DMOE_E_SHAPE, layer.layer(), [](auto& in, auto&) { in.row_stride = 31; });
  same(DMOE_E_ARGUMENT, layer.layer(), [](auto& in, auto&) { in.data = nullptr; });
  same(DMOE_E_ARGUMENT, layer.layer(), [](auto&, auto& out) { out.data = nullptr; });
  same(DMOE_E_ARGUMENT, layer.layer(), [](auto&, auto& out) { out.struct_size = 8; });
}

}  // namespace
}  // namespace dmoe::test
