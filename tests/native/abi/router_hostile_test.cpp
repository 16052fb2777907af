// What routers refuse, in which words, and that nothing is written then.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();
const float kInfinity = std::numeric_limits<float>::infinity();

// A routing call on three tokens that is fine until a test breaks it.
struct Call {
  RouterHandle router;
  std::vector<float> hidden, scores = {0.5f, 0.5f, 0.5f}, taus = {0.1f, 0.2f, 0.3f},
                             bias = std::vector<float>(8, 0.0f);
  std::vector<uint8_t> mask = std::vector<uint8_t>(8, 1);
  RouteBuffers out{3, 4, 8};
  dmoe_matrix_f32 input;
  dmoe_route_params params = route_params(1, 4);
  dmoe_routes routes;
  dmoe_batch_report report = empty_report();

  explicit Call(const dmoe_router_options& options = router_options(4, 8, 2)) {
    Random random(31);
    router = make_router(options, random.normals(32));
    hidden = random.normals(12);
    input = matrix(hidden, 3, 4);
    routes = out.view();
    report.routes = -1;
  }
  dmoe_status run() { return dmoe_router_route(router.get(), &input, &params, &routes, &report); }
  void expect(dmoe_status status, const std::string& text) {
    EXPECT_EQ(run(), status) << text;
    EXPECT_EQ(std::string(dmoe_last_error()), "router_route: " + text);
    EXPECT_TRUE(out.untouched()) << "written on failure: " << text;
    EXPECT_EQ(report.routes, -1);
  }
};

TEST(RouterHostile, Route_WhenAPointerIsNull_SaysWhich) {
  Call call;
  EXPECT_EQ(dmoe_router_route(nullptr, &call.input, &call.params, &call.routes, nullptr), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "router_route: router is NULL");
  EXPECT_EQ(dmoe_router_route(call.router.get(), nullptr, &call.params, &call.routes, nullptr),
            DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_router_route(call.router.get(), &call.input, nullptr, &call.routes, nullptr),
            DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "router_route: params is NULL");
  EXPECT_EQ(dmoe_router_route(call.router.get(), &call.input, &call.params, nullptr, nullptr),
            DMOE_E_ARGUMENT);
  call.routes.ids = nullptr;
  call.expect(DMOE_E_ARGUMENT, "routes.ids is NULL");
  call.routes = call.out.view();
  call.routes.weights = nullptr;
  call.expect(DMOE_E_ARGUMENT, "routes.weights is NULL");
  call.routes = call.out.view();
  call.input.data = nullptr;
  call.expect(DMOE_E_ARGUMENT, "hidden.data is NULL with 3 rows");
}

TEST(RouterHostile, Route_WhenShapesDiffer_NamesBoth) {
  Call call;
  call.input.columns = 3;
  call.expect(DMOE_E_SHAPE, "hidden has 3 columns, the router's hidden size is 4");
  call.input = matrix(call.hidden, 3, 4);
  call.input.rows = -3;
  call.expect(DMOE_E_SHAPE, "hidden.rows is -3, must be >= 0");
  call.input = matrix(call.hidden, 3, 4);
  call.input.row_stride = 2;
  call.expect(DMOE_E_SHAPE, "hidden.row_stride is 2, must be >= columns (4)");
  call.input.row_stride = int64_t{1} << 61;
  EXPECT_EQ(call.run(), DMOE_E_SHAPE);
  call.input = matrix(call.hidden, 3, 4);
  call.routes.tokens = 2;
  call.expect(DMOE_E_SHAPE, "routes.tokens is 2, must be 3");
  call.routes.tokens = 3;
  call.routes.slots = 3;
  call.expect(DMOE_E_SHAPE, "routes.slots is 3, must be >= max_experts (4)");
  call.routes.slots = 0;
  EXPECT_EQ(call.run(), DMOE_E_SHAPE);
}

TEST(RouterHostile, Route_WhenAParameterIsOutOfRange_NamesIt) {
  Call call;
  const auto with = [&](const std::function<void(dmoe_route_params&)>& change, const std::string& text) {
    call.params = route_params(1, 4);
    change(call.params);
    call.expect(DMOE_E_OPTIONS, text);
  };
  with([](auto& p) { p.max_experts = 9; }, "max_experts is 9, must be within 1..8");
  with([](auto& p) { p.min_experts = 5; }, "min_experts is 5, must be within 1..4");
  with([](auto& p) { p.min_experts = 0; }, "min_experts is 0, must be within 1..4");
  with([](auto& p) { p.strategy = 3; }, "strategy is 3, must be within 0..2");
  with([](auto& p) { p.weighting = -1; }, "weighting is -1, must be within 0..2");
  with([](auto& p) { p.score_source = 4; }, "score_source is 4, must be within 0..3");
  with([](auto& p) { p.count_offset = kNan; }, "count_offset is nan, must be finite");
  with([](auto& p) { p.noise_factor = -1; }, "noise_factor is -1, must be >= 0");
  with([](auto& p) { p.noise_factor = kInfinity; }, "noise_factor is inf, must be finite");
  with(
      [](auto& p) {
        p.strategy = DMOE_STRATEGY_THRESHOLD;
        p.tau = 1.5f;
      },
      "tau is 1.5, must be within 0..1");
  with(
      [](auto& p) {
        p.strategy = DMOE_STRATEGY_TOP_P;
        p.top_p = 0;
      },
      "top_p is 0, must be > 0 and <= 1");
  with(
      [](auto& p) {
        p.strategy = DMOE_STRATEGY_TOP_P;
        p.top_p = kNan;
      },
      "top_p is nan, must be > 0 and <= 1");
}

TEST(RouterHostile, Route_WhenASuppliedArrayIsBad_NamesTheElement) {
  Call call;
  call.params.score_source = DMOE_SCORE_SUPPLIED;
  call.expect(DMOE_E_ARGUMENT, "params.scores is NULL with score_source 1");
  call.params.scores = call.scores.data();
  call.scores[1] = 1.25f;
  call.expect(DMOE_E_ARGUMENT, "scores[1] is 1.25, must be within 0..1");
  call.scores[1] = kNan;
  call.expect(DMOE_E_NOT_FINITE, "scores[1] of token 1 is nan");
  call.params.score_source = DMOE_SCORE_HALF;
  call.params.strategy = DMOE_STRATEGY_THRESHOLD;
  call.params.token_taus = call.taus.data();
  call.taus[2] = -0.5f;
  call.expect(DMOE_E_ARGUMENT, "token_taus[2] is -0.5, must be within 0..1");
  call.taus[2] = 0;
  call.params.selection_bias = call.bias.data();
  call.bias[7] = kInfinity;
  call.expect(DMOE_E_NOT_FINITE, "selection_bias[7] is inf");
}

TEST(RouterHostile, Route_WhenHiddenIsNotFinite_NamesTheLowestToken) {
  for (float bad : {kNan, kInfinity, -kInfinity}) {
    Call call;
    call.hidden[6] = bad;
    call.hidden[8] = bad;
    EXPECT_EQ(call.run(), DMOE_E_NOT_FINITE);
    EXPECT_NE(std::string(dmoe_last_error()).find("hidden of token 1 holds "), std::string::npos)
        << dmoe_last_error();
    EXPECT_NE(std::string(dmoe_last_error()).find(" at column 2"), std::string::npos) << dmoe_last_error();
    EXPECT_TRUE(call.out.untouched());
  }
}

TEST(RouterHostile, Route_WhenTheBadTokenIsInALaterChunk_StillWritesNothing) {
  auto options = router_options(4, 8, 2);
  options.max_tokens = 1;
  Call call(options);
  call.hidden[11] = kNan;
  call.expect(DMOE_E_NOT_FINITE, "hidden of token 2 holds nan at column 3");
}

TEST(RouterHostile, Select_WhenTheBadTokenIsInALaterChunk_StillWritesNothing) {
  auto options = router_options(4, 8, 2);
  options.max_tokens = 1;
  Call call(options);
  std::vector<float> logits(24, 0.5f);
  logits[20] = kNan;
  const auto input = matrix(logits, 3, 8);
  EXPECT_EQ(dmoe_router_select(call.router.get(), &input, &call.params, &call.routes, nullptr),
            DMOE_E_NOT_FINITE);
  EXPECT_STREQ(dmoe_last_error(), "router_select: logits of token 2 hold nan at expert 4");
  EXPECT_TRUE(call.out.untouched());
}

TEST(RouterHostile, Route_WhenFiniteHiddenOverflows_SaysSo) {
  Call call;
  for (size_t i = 4; i < 8; ++i) call.hidden[i] = 3.4e38f;
  EXPECT_EQ(call.run(), DMOE_E_NOT_FINITE);
  EXPECT_NE(std::string(dmoe_last_error()).find("logits of token 1 overflow at expert"), std::string::npos)
      << dmoe_last_error();
  EXPECT_TRUE(call.out.untouched());
}

TEST(RouterHostile, Route_WhenTooFewExpertsAreLeft_IsABalanceFailure) {
  Call call;
  call.mask.assign(8, 0);
  call.mask[3] = 1;
  call.params.min_experts = 2;
  call.params.expert_mask = call.mask.data();
  call.expect(DMOE_E_BALANCE, "expert_mask leaves 1 usable experts, min_experts is 2");
}

TEST(RouterHostile, Select_WhenGroupsAndMaskLeaveATokenTooFew_NamesIt) {
  auto options = router_options(4, 8, 2);
  options.groups = 4;
  options.top_groups = 1;
  Call call(options);
  call.mask = {1, 1, 1, 0, 1, 1, 1, 1};
  call.params = route_params(2, 2);
  call.params.expert_mask = call.mask.data();
  // Token 1 prefers the group of which the mask leaves one expert.
  const std::vector<float> logits = {9, 8, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0};
  const auto input = matrix(logits, 3, 8);
  EXPECT_EQ(dmoe_router_select(call.router.get(), &input, &call.params, &call.routes, nullptr),
            DMOE_E_BALANCE);
  EXPECT_STREQ(
      dmoe_last_error(),
      "router_select: group limits and expert_mask leave token 1 1 usable experts, min_experts is 2");
  EXPECT_TRUE(call.out.untouched());
  call.params = route_params(3, 4);
  EXPECT_EQ(dmoe_router_select(call.router.get(), &input, &call.params, &call.routes, nullptr),
            DMOE_E_BALANCE);
  EXPECT_STREQ(dmoe_last_error(), "router_select: 1 groups of 2 leave 2 usable experts, min_experts is 3");
}

TEST(RouterHostile, Route_WhenBuffersOverlap_NamesThem) {
  Call call;
  call.routes.weights = call.hidden.data() + 2;
  EXPECT_EQ(call.run(), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "router_route: routes.weights overlaps hidden");
  call.routes = call.out.view();
  call.routes.gaps = call.out.weights.data();
  call.expect(DMOE_E_ARGUMENT, "routes.gaps overlaps routes.weights");
}

TEST(RouterHostile, Route_OfAnEmptyBatch_Succeeds) {
  Call call;
  call.input.rows = 0;
  call.input.data = nullptr;
  call.routes.tokens = 0;
  EXPECT_EQ(call.run(), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(call.report.routes, 0);
  EXPECT_EQ(call.report.tokens, 0);
}

TEST(RouterHostile, Logits_WhenTheyCannotBeWritten_StayUntouched) {
  Call call;
  std::vector<float> logits(24, -7.0f);
  auto target = output(logits, 3, 8);
  call.hidden[5] = kNan;
  EXPECT_EQ(dmoe_router_logits(call.router.get(), &call.input, &target), DMOE_E_NOT_FINITE);
  EXPECT_EQ(logits, std::vector<float>(24, -7.0f));
  target.columns = 7;
  EXPECT_EQ(dmoe_router_logits(call.router.get(), &call.input, &target), DMOE_E_SHAPE);
  EXPECT_STREQ(dmoe_last_error(), "router_logits: logits is [3, 7], must be [3, 8]");
  EXPECT_EQ(dmoe_router_logits(call.router.get(), &call.input, nullptr), DMOE_E_ARGUMENT);
}

TEST(RouterHostile, Select_WhenNoiseOverflows_SaysSo) {
  Call call;
  const std::vector<float> logits(24, 3.4e38f);
  const auto input = matrix(logits, 3, 8);
  call.params.noise_factor = 3.4e38f;
  EXPECT_EQ(dmoe_router_select(call.router.get(), &input, &call.params, &call.routes, nullptr),
            DMOE_E_NOT_FINITE);
  EXPECT_TRUE(call.out.untouched());
}

}  // namespace
}  // namespace dmoe::test
