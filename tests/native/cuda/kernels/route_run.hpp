// One routing problem for the CPU's router and for route.cu, which must agree bit by bit.
#ifndef DYNAMICMOE_TESTS_CUDA_KERNELS_ROUTE_RUN_HPP_
#define DYNAMICMOE_TESTS_CUDA_KERNELS_ROUTE_RUN_HPP_

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cuda/kernels/launches.hpp"
#include "engine/router.hpp"
#include "support/router_api.hpp"

namespace dmoe::test {

/** A router with its gate weights in both layouts. */
struct RouteProblem {
  dmoe_router_options options;
  std::vector<float> weights, bias;  // [E, D], [E]
  Buffer<float> device_weights;      // [D, padded]
  std::vector<float> device_bias;    // [padded]
  int32_t padded;

  RouteProblem(const dmoe_router_options& o, Random& random, bool with_bias)
      : RouteProblem(o, random.normals(int64_t{o.experts} * o.hidden),
                     with_bias ? random.normals(o.experts) : std::vector<float>()) {}
  RouteProblem(const dmoe_router_options& o, std::vector<float> w, std::vector<float> b)
      : options(o), weights(std::move(w)), bias(std::move(b)), padded((o.experts + 31) / 32 * 32) {
    device_weights = Buffer<float>(static_cast<size_t>(int64_t{padded} * o.hidden));
    for (int32_t e = 0; e < o.experts; ++e)
      for (int32_t k = 0; k < o.hidden; ++k)
        device_weights.data()[int64_t{k} * padded + e] =
            weights[static_cast<size_t>(int64_t{e} * o.hidden + k)];
    if (bias.empty()) return;
    device_bias.assign(static_cast<size_t>(padded), 0.0f);
    std::copy(bias.begin(), bias.end(), device_bias.begin());
  }
  const float* bias_or_null() const { return bias.empty() ? nullptr : bias.data(); }
};

/** Rows [tokens, columns] within a larger block: hidden states, or logits. */
struct RouteRowsIn {
  const float* data;
  int64_t tokens, columns, stride;
  dmoe_matrix_f32 matrix() const { return {sizeof(dmoe_matrix_f32), data, tokens, columns, stride}; }
};

/** What a task points to besides its outputs. */
struct RouteInputs {
  cuda::RouteValues values{};
  std::vector<float> gap_limits;
  std::vector<float> sliced_logits;
  std::vector<int32_t> arrivals;

  /** From now on blocks share a token's experts, where launch.hpp says so. */
  void slice(cuda::RouteTask& task) {
    sliced_logits.assign(static_cast<size_t>(int64_t{task.tokens} * task.padded_experts),
                         std::numeric_limits<float>::quiet_NaN());
    arrivals.assign(static_cast<size_t>(cuda::ceil_div(task.tokens, cuda::kRouteTokens)), cuda::kNoFailure);
    task.sliced_logits = sliced_logits.data();
    task.arrivals = arrivals.data();
  }
};

/** The task of a call; `out` takes the results. All that the engine has checked comes from its RouteCall. */
inline cuda::RouteTask route_task(const RouteProblem& problem, const dmoe_route_params& params,
                                  RouteBuffers& out, RouteInputs& inputs, cuda::Failures& failures) {
  const Router router(problem.options, problem.weights.data(), problem.bias_or_null());
  const RouteCall call = router.check(&params, out.tokens, rows_of(out.view()));
  const dmoe_router_options& o = problem.options;
  const dmoe_route_params& p = call.params;
  cuda::RouteTask t{};
  t.logits = out.logits.data();
  t.logits_stride = o.experts;
  t.tokens = static_cast<int32_t>(out.tokens);
  t.hidden_size = o.hidden;
  t.experts = o.experts;
  t.padded_experts = problem.padded;
  t.gate = o.gate;
  t.trained_k = o.trained_k;
  t.groups = o.groups;
  t.top_groups = o.top_groups;
  t.top2_sum = o.group_score == DMOE_GROUP_TOP2_SUM;
  t.routed_scale = o.routed_scale;
  t.log_experts = static_cast<float>(std::log(static_cast<double>(o.experts)));
  t.strategy = p.strategy;
  t.weighting = p.weighting;
  t.min_experts = p.min_experts;
  t.max_experts = p.max_experts;
  t.score_source = p.score_source;
  t.noise_factor = p.noise_factor;
  inputs.values = {p.count_offset, call.gap_limit, p.top_p, p.noise_seed, 0};
  t.values = &inputs.values;
  t.given_scores = p.scores;
  t.given_counts = p.counts;
  t.positions = p.positions;
  t.selection_bias = p.selection_bias;
  t.expert_mask = p.expert_mask;
  inputs.gap_limits.clear();
  for (int64_t i = 0; p.token_taus && i < out.tokens; ++i)
    inputs.gap_limits.push_back(static_cast<float>(-std::log(static_cast<double>(p.token_taus[i]))));
  t.gap_limits = p.token_taus ? inputs.gap_limits.data() : nullptr;
  t.ranked = call.ranked;
  t.slots = out.slots;
  t.ids = out.ids.data();
  t.weights = out.weights.data();
  t.counts = out.counts.data();
  t.scores = out.scores.data();
  t.gaps = out.gaps.data();
  t.failures = &failures;
  return t;
}

/** Token that the CPU's router blames in its last message; `word` stands before it. */
inline int32_t blamed_token() {
  const std::string message = dmoe_last_error();
  return static_cast<int32_t>(std::stol(message.substr(message.find("token ") + 6)));
}

/** How a kernel gets its logits. */
enum class Logits { kGiven, kComputed, kComputedInSlices };

/** Expects of one engine what the CPU decided. */
inline void expect_routes(KernelRunner& runner, const RouteProblem& problem, const dmoe_route_params& params,
                          const RouteRowsIn& rows, Logits how, dmoe_status status,
                          const cuda::Failures& wanted, const RouteBuffers& expected) {
  SCOPED_TRACE(std::string(runner.name()) + (how == Logits::kComputedInSlices ? " in slices" : ""));
  const int32_t E = problem.options.experts;
  RouteBuffers actual(rows.tokens, expected.slots, E);
  cuda::Failures failures = no_failures();
  RouteInputs inputs;
  cuda::RouteTask task = route_task(problem, params, actual, inputs, failures);
  if (how == Logits::kGiven) {
    for (int64_t t = 0; t < rows.tokens; ++t)
      std::copy_n(rows.data + t * rows.stride, E, actual.logits.data() + t * E);
    launch(runner, "dmoe_decide", cuda::launch_decide(task), task);
  } else {
    task.hidden = rows.data;
    task.hidden_stride = rows.stride;
    task.gate_weights = problem.device_weights.data();
    task.gate_bias = problem.bias.empty() ? nullptr : problem.device_bias.data();
    if (how == Logits::kComputedInSlices) inputs.slice(task);
    launch(runner, "dmoe_route", cuda::launch_route(task), task);
  }
  EXPECT_EQ(failures.not_finite, wanted.not_finite);
  if (wanted.not_finite == cuda::kNoFailure) EXPECT_EQ(failures.unbalanced, wanted.unbalanced);
  if (status != DMOE_OK) return;
  EXPECT_EQ(actual.ids, expected.ids);
  EXPECT_EQ(actual.counts, expected.counts);
  EXPECT_TRUE(same_bits(actual.weights, expected.weights)) << "weights";
  EXPECT_TRUE(same_bits(actual.scores, expected.scores)) << "scores";
  EXPECT_TRUE(same_bits(actual.logits, expected.logits)) << "logits";
  EXPECT_TRUE(same_bits(actual.gaps, expected.gaps)) << "gaps";
}

/** Runs the CPU and every engine of the kernel; `rows` are logits unless `from_hidden`. @return the CPU's
 * status */
inline dmoe_status expect_same_routes(const RouteProblem& problem, const dmoe_route_params& params,
                                      const RouteRowsIn& rows, bool from_hidden, int32_t slots) {
  const RouterHandle router = make_router(problem.options, problem.weights, problem.bias_or_null());
  RouteBuffers expected(rows.tokens, slots, problem.options.experts);
  const dmoe_matrix_f32 input = rows.matrix();
  dmoe_routes routes = expected.view();
  routes.expert_routes = nullptr;
  const dmoe_status status = from_hidden
                                 ? dmoe_router_route(router.get(), &input, &params, &routes, nullptr)
                                 : dmoe_router_select(router.get(), &input, &params, &routes, nullptr);
  cuda::Failures wanted = no_failures();
  if (status == DMOE_E_NOT_FINITE) wanted.not_finite = blamed_token();
  if (status == DMOE_E_BALANCE) wanted.unbalanced = blamed_token();
  const bool slices =
      from_hidden && cuda::route_slices(static_cast<int32_t>(rows.tokens), problem.padded) > 1;
  for (KernelRunner* runner : runners()) {
    expect_routes(*runner, problem, params, rows, from_hidden ? Logits::kComputed : Logits::kGiven, status,
                  wanted, expected);
    if (slices)
      expect_routes(*runner, problem, params, rows, Logits::kComputedInSlices, status, wanted, expected);
  }
  return status;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_KERNELS_ROUTE_RUN_HPP_
