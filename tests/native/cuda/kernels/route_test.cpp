// route.cu against the CPU's router: the same bits in every output, the same token blamed.
#include <gtest/gtest.h>

#include <limits>

#include "cuda/kernels/route_run.hpp"
#include "support/cases/route_cases.hpp"

namespace dmoe::test {
namespace {

const float kInfinity = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();

RouteRowsIn rows_in(const std::vector<float>& values, int64_t columns) {
  return {values.data(), static_cast<int64_t>(values.size()) / columns, columns, columns};
}

TEST(CudaDecide, UnderAnyRules_HasTheBitsOfTheCpu) {
  constexpr int64_t kTokens = 9;
  int decided = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    DrawnRoute s = draw_route(seed, kTokens);
    s.params.noise_factor = seed % 3 == 0 ? 0.5f : 0.0f;
    s.params.noise_seed = seed << 40 | seed;
    const int32_t E = s.options.experts;
    const RouteProblem problem(s.options, std::vector<float>(static_cast<size_t>(E) * 4, 0.5f), {});
    const auto slots =
        static_cast<int32_t>(seed % 4 == 0 ? E + 1 : s.params.max_experts + static_cast<int32_t>(seed % 2));
    const dmoe_status status = expect_same_routes(problem, s.params, rows_in(s.logits, E), false, slots);
    EXPECT_TRUE(status == DMOE_OK || status == DMOE_E_BALANCE) << dmoe_last_error();
    decided += status == DMOE_OK;
  }
  EXPECT_GT(decided, 50);
}

TEST(CudaDecide, OfHostileRows_HasTheBitsOfTheCpu) {
  for (int32_t E : awkward_experts()) {
    const std::vector<float> logits = hostile_logits(E);
    const auto rules = hostile_rules(E);
    for (size_t i = 0; i < rules.size(); ++i) {
      if (E > 64 && i % 3 != static_cast<size_t>(E) / 100 % 3)
        continue;  // the long rows under some of the rules
      SCOPED_TRACE(rules[i].name);
      const RouteProblem problem(rules[i].options, std::vector<float>(static_cast<size_t>(E) * 4, 0.5f), {});
      EXPECT_EQ(expect_same_routes(problem, rules[i].params, rows_in(logits, E), false,
                                   rules[i].params.max_experts),
                DMOE_OK);
    }
  }
}

TEST(CudaDecide, OfManyGroups_HasTheBitsOfTheCpu) {
  Random random(12);
  for (int32_t groups : {2, 8, 64, 256, 512})
    for (int32_t top2 : {0, 1}) {
      SCOPED_TRACE(std::to_string(groups) + " groups");
      auto options = router_options(4, 512, 6);
      options.groups = groups;
      options.top_groups = groups / 2;
      options.group_score = top2;
      options.gate = top2;
      auto params = route_params(2, 8);
      const std::vector<float> bias = random.normals(512, 0.1f);
      std::vector<uint8_t> mask(512, 1);
      for (uint8_t& m : mask) m = random.below(8) > 0;
      params.selection_bias = top2 ? bias.data() : nullptr;
      params.expert_mask = mask.data();
      params.weighting = DMOE_WEIGHT_TRAINED_SCALE;
      const RouteProblem problem(options, std::vector<float>(512 * 4, 0.5f), {});
      EXPECT_EQ(expect_same_routes(problem, params, rows_in(random.normals(3 * 512), 512), false, 8),
                DMOE_OK);
    }
}

TEST(CudaDecide, WhenTheMaskLeavesJustEnough_TakesThem) {
  std::vector<uint8_t> mask(33, 0);
  mask[0] = mask[31] = mask[32] = 1;
  auto params = route_params(3, 5);
  params.expert_mask = mask.data();
  Random random(13);
  const RouteProblem problem(router_options(4, 33), std::vector<float>(33 * 4, 0.5f), {});
  EXPECT_EQ(expect_same_routes(problem, params, rows_in(random.normals(4 * 33), 33), false, 6), DMOE_OK);
}

TEST(CudaDecide, WhenGroupsAndMaskLeaveTooFew_NamesTheLowestToken) {
  auto options = router_options(4, 8);
  options.groups = 4;
  options.top_groups = 1;
  const uint8_t mask[] = {1, 1, 1, 1, 1, 1, 1, 0};
  auto params = route_params(2, 2);
  params.expert_mask = mask;
  std::vector<float> logits(5 * 8, 0.0f);
  logits[3 * 8 + 6] = logits[4 * 8 + 6] = 1.0f;  // the group with one expert left
  const RouteProblem problem(options, std::vector<float>(32, 0.5f), {});
  EXPECT_EQ(expect_same_routes(problem, params, rows_in(logits, 8), false, 2), DMOE_E_BALANCE);
}

TEST(CudaDecide, WhenALogitIsNotFinite_NamesTheLowestTokenAndLeavesItWithoutRoutes) {
  Random random(14);
  const RouteProblem problem(router_options(4, 40), std::vector<float>(40 * 4, 0.5f), {});
  for (float bad : {kNan, kInfinity, -kInfinity}) {
    std::vector<float> logits = random.normals(12 * 40);
    logits[11 * 40] = logits[7 * 40 + 39] = bad;
    const auto params = route_params(1, 2);
    EXPECT_EQ(expect_same_routes(problem, params, rows_in(logits, 40), false, 2), DMOE_E_NOT_FINITE);
    for (KernelRunner* runner : runners()) {
      RouteBuffers out(12, 2, 40);
      out.logits = logits;
      auto failures = no_failures();
      RouteInputs inputs;
      const auto task = route_task(problem, params, out, inputs, failures);
      launch(*runner, "dmoe_decide", cuda::launch_decide(task), task);
      for (int64_t t = 0; t < 12; ++t) EXPECT_EQ(out.id(t, 0) == -1, t == 7 || t == 11) << runner->name();
      EXPECT_EQ(out.counts[7], 0);
      EXPECT_EQ(out.weight(7, 1), 0.0f);
    }
  }
}

TEST(CudaDecide, OfPositions_DrawsTheNoiseOfTheCpu) {
  const int64_t positions[] = {0, -1, std::numeric_limits<int64_t>::min(),
                               std::numeric_limits<int64_t>::max()};
  Random random(15);
  auto params = route_params(1, 3);
  params.positions = positions;
  params.noise_factor = 3.0f;
  params.noise_seed = ~uint64_t{0};
  const RouteProblem problem(router_options(4, 70), std::vector<float>(70 * 4, 0.5f), {});
  EXPECT_EQ(expect_same_routes(problem, params, rows_in(random.normals(4 * 70), 70), false, 3), DMOE_OK);
}

TEST(CudaRoute, OfAnyShape_HasTheBitsOfTheCpu) {
  Random random(16);
  struct Shape {
    int64_t tokens;
    int32_t hidden, experts;
  };
  for (const Shape& s :
       {Shape{1, 1, 1}, Shape{1, 300, 512}, Shape{3, 3, 33}, Shape{5, 130, 8}, Shape{5, 67, 96},
        Shape{33, 5, 64}, Shape{4, 64, 160}, Shape{2, 257, 300}, Shape{7, 129, 60}})
    for (bool with_bias : {false, true}) {
      SCOPED_TRACE(std::to_string(s.tokens) + " tokens, " + std::to_string(s.hidden) + " -> " +
                   std::to_string(s.experts));
      const RouteProblem problem(router_options(s.hidden, s.experts, 1), random, with_bias);
      // Rows at every alignment.
      const int64_t gap = with_bias ? 0 : 1;
      const std::vector<float> hidden = random.normals(s.tokens * (s.hidden + gap) + 1);
      const RouteRowsIn rows{hidden.data() + gap, s.tokens, s.hidden, s.hidden + gap};
      const int32_t kmax = std::min(4, s.experts);
      auto params = route_params(1, kmax);
      params.score_source = DMOE_SCORE_ROUTER_MARGIN;
      EXPECT_EQ(expect_same_routes(problem, params, rows, true, kmax), DMOE_OK) << dmoe_last_error();
    }
}

// Blocks of 8, 16 and 32 tokens come with many tokens; their first block shows how they count.
TEST(CudaRoute, InLargerBlocks_HasTheBitsOfTheCpu) {
  Random random(17);
  for (int32_t tokens : {513, 1025, 2049})
    for (int32_t experts : {8, 96, 129, 256, 512}) {
      const RouteProblem problem(router_options(70, experts, 1), random, true);
      constexpr int64_t kSome = 32;
      const std::vector<float> hidden = random.normals(kSome * 70);
      const auto params = route_params(2, 2);
      RouteBuffers expected(kSome, 2, experts);
      const RouterHandle router = make_router(problem.options, problem.weights, problem.bias_or_null());
      const auto input = matrix(hidden, kSome, 70);
      auto routes = expected.view();
      routes.expert_routes = nullptr;
      ASSERT_EQ(dmoe_router_route(router.get(), &input, &params, &routes, nullptr), DMOE_OK);
      for (KernelRunner* runner : runners()) {
        RouteBuffers actual(kSome, 2, experts);
        auto failures = no_failures();
        RouteInputs inputs;
        auto task = route_task(problem, params, actual, inputs, failures);
        task.hidden = hidden.data();
        task.hidden_stride = 70;
        task.gate_weights = problem.device_weights.data();
        task.gate_bias = problem.device_bias.data();
        task.tokens = tokens;
        auto how = cuda::launch_route(task);
        const cuda::RouteShape shape = cuda::route_shape(task);
        EXPECT_EQ(how.x, static_cast<uint32_t>((tokens + shape.tokens - 1) / shape.tokens));
        how.x = 1;
        launch(*runner, "dmoe_route", how, task);
        const auto cells = static_cast<size_t>(shape.tokens * 2);
        SCOPED_TRACE(std::string(runner->name()) + " " + std::to_string(tokens) + " tokens, " +
                     std::to_string(experts));
        EXPECT_EQ(
            std::vector<int32_t>(actual.ids.begin(), actual.ids.begin() + static_cast<int64_t>(cells)),
            std::vector<int32_t>(expected.ids.begin(), expected.ids.begin() + static_cast<int64_t>(cells)));
        EXPECT_TRUE(same_bits(actual.weights.data(), expected.weights.data(), cells));
        EXPECT_TRUE(same_bits(actual.logits.data(), expected.logits.data(),
                              static_cast<size_t>(shape.tokens * experts)));
      }
    }
}

TEST(CudaRoute, OfUnderflowingProducts_KeepsTheSignOfZero) {
  // 1e-30 * -1e-30 rounds to -0, which a padded step of k would turn into +0.
  const RouteProblem problem(router_options(3, 5), std::vector<float>(15, 1e-30f), {});
  const std::vector<float> hidden = {-1e-30f, -1e-30f, -1e-30f};
  EXPECT_EQ(expect_same_routes(problem, route_params(1, 2), rows_in(hidden, 3), true, 2), DMOE_OK);
}

TEST(CudaRoute, WhenHiddenIsNotFinite_NamesTheLowestToken) {
  Random random(18);
  const RouteProblem problem(router_options(9, 12), random, true);
  for (float bad : {kNan, kInfinity, -kInfinity}) {
    std::vector<float> hidden = random.normals(6 * 9);
    hidden[2 * 9 + 8] = hidden[5 * 9] = bad;
    EXPECT_EQ(expect_same_routes(problem, route_params(1, 2), rows_in(hidden, 9), true, 2),
              DMOE_E_NOT_FINITE);
  }
}

TEST(CudaRoute, SlicesOfAnyTask_CoverTheExpertsAndLeaveNoBlockWithoutWork) {
  EXPECT_EQ(cuda::route_slices(1, 128), 4);
  EXPECT_EQ(cuda::route_slices(4, 512), 16);
  EXPECT_EQ(cuda::route_slices(64, 512), 8);
  EXPECT_EQ(cuda::route_slices(512, 512), 1);
  for (int32_t panels = 1; panels <= cuda::kMostExperts / 32; ++panels)
    for (int32_t tokens = 0; tokens <= 600; ++tokens) {
      const int32_t slices = cuda::route_slices(tokens, panels * 32);
      const int32_t each = cuda::ceil_div(panels, slices);
      ASSERT_GE(slices * each, panels);
      ASSERT_LT((slices - 1) * each, panels) << panels << " panels, " << tokens << " tokens";
      if (slices > 1) {
        ASSERT_LE(slices * cuda::ceil_div(tokens, cuda::kRouteTokens), cuda::kRouteBlocks);
      }
    }
}

// The model of cards in dmoe has the same numbers (CudaRouteTests.cs).
TEST(CudaRoute, LaunchOfABatch_IsWhatTheModelOfCardsHas) {
  const struct {
    int32_t tokens, experts, blocks, shared, under_way;
  } cells[] = {{1, 8, 1, 45440, 26624},      {1, 64, 2, 45952, 26624},       {1, 128, 4, 46976, 26624},
               {8, 128, 8, 46976, 26624},    {64, 512, 128, 44096, 22528},   {512, 128, 128, 40064, 24576},
               {513, 512, 65, 41728, 16384}, {2048, 128, 128, 35840, 16384}, {4096, 512, 512, 41728, 16384}};
  for (const auto& cell : cells) {
    cuda::RouteTask task{};
    float scratch = 0;
    task.tokens = cell.tokens;
    task.experts = task.padded_experts = std::max(32, cell.experts);
    task.ranked = 8;
    task.sliced_logits = &scratch;
    const cuda::Launch launch = cuda::launch_route(task);
    EXPECT_EQ(launch.x * launch.y, static_cast<uint32_t>(cell.blocks)) << cell.tokens << ", " << cell.experts;
    EXPECT_EQ(launch.shared, static_cast<uint32_t>(cell.shared)) << cell.tokens << ", " << cell.experts;
    EXPECT_EQ((cuda::kRouteStages - 1) * cuda::route_shape(task).weight_floats * 4, cell.under_way);
  }
}

TEST(CudaRoute, LaunchOfAnyTask_FitsASharedMemoryOf48K) {
  for (int32_t experts = 1; experts <= cuda::kMostExperts; ++experts)
    for (int32_t tokens : {1, 512, 513, 1025, 2049, 1 << 30})
      for (int32_t groups : {1, experts}) {
        cuda::RouteTask task{};
        task.tokens = tokens;
        task.experts = task.ranked = experts;
        task.padded_experts = (experts + 31) / 32 * 32;
        task.groups = groups;
        task.top_groups = std::max(1, groups - 1);
        ASSERT_LE(cuda::launch_route(task).shared, static_cast<uint32_t>(cuda::kSharedLimit)) << experts;
        float scratch = 0;
        task.sliced_logits = &scratch;
        ASSERT_LE(cuda::launch_route(task).shared, static_cast<uint32_t>(cuda::kSharedLimit)) << experts;
        ASSERT_LE(cuda::launch_decide(task).shared, static_cast<uint32_t>(cuda::kSharedLimit)) << experts;
      }
  cuda::RouteTask none{};
  none.padded_experts = 32;
  EXPECT_EQ(cuda::launch_route(none).x, 0u);
}

}  // namespace
}  // namespace dmoe::test
