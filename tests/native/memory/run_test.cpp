// Out of memory in a call, at each allocation: DMOE_E_NO_MEMORY, the caller's buffers as they were, and the
// same object gives the right result at the next call. Each round takes a new object: only its first call
// allocates.
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "memory/each_failure.hpp"
#include "support/router_api.hpp"
#include "support/same_bits.hpp"
#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

constexpr int kThreads = 4;

// An object and its outputs. Each round of the loop makes a new one.
class Caller {
 public:
  virtual ~Caller() = default;
  virtual dmoe_status call() = 0;
  /** The outputs as they are now. */
  virtual std::vector<float> outputs() const = 0;
};

// With one thread while objects are made and several in the call: workspaces made for one do not suffice
// then. The pool's threads are there before, or their own allocations would fail unnoticed.
class OutOfMemoryInCall : public testing::Test {
 protected:
  void SetUp() override {
    set_pool_threads(kThreads);
    std::atomic<int> items{0};
    parallel_for(64, kThreads, [&](int64_t, int) { ++items; });
  }
  void TearDown() override { set_pool_threads(0); }

  // @return allocations that were made to fail
  int64_t expect_clean_failures(const std::function<std::unique_ptr<Caller>()>& make) {
    const auto made = [&] {
      set_pool_threads(1);
      auto caller = make();
      set_pool_threads(kThreads);
      return caller;
    };
    const int64_t before = allocated_bytes();
    auto caller = made();
    const std::vector<float> untouched = caller->outputs();
    EXPECT_EQ(caller->call(), DMOE_OK) << dmoe_last_error();
    const std::vector<float> expected = caller->outputs();
    caller.reset();  // before the next one is made: layers share their workspaces
    caller = made();
    return each_failure([&] { return caller->call(); },
                        [&](bool failed) {
                          if (failed) {
                            EXPECT_TRUE(same_bits(caller->outputs(), untouched));
                            EXPECT_EQ(caller->call(), DMOE_OK) << dmoe_last_error();
                          }
                          EXPECT_TRUE(same_bits(caller->outputs(), expected));
                          caller.reset();
                          EXPECT_EQ(allocated_bytes(), before);
                          caller = made();
                        });
  }
};

class RouterCaller : public Caller {
 public:
  enum class Step { kLogits, kRoute, kSelect, kLimit };

  explicit RouterCaller(Step step)
      : step_(step),
        router_(make_router(options(), Random(3).normals(kHidden * kExperts))),
        hidden_(Random(4).normals(kTokens * kHidden)),
        given_(Random(5).normals(kTokens * kExperts)),
        routes_(kTokens, kSlots, kExperts),
        logits_(static_cast<size_t>(kTokens * kExperts), -77.0f) {
    if (step != Step::kLimit) return;
    // Routes to limit.
    const dmoe_routes rows = routes_.view();
    const dmoe_matrix_f32 logits = matrix(given_, kTokens, kExperts);
    const dmoe_route_params params = route_params(2, kSlots);
    EXPECT_EQ(dmoe_router_select(router_.get(), &logits, &params, &rows, nullptr), DMOE_OK);
  }

  dmoe_status call() override {
    const dmoe_matrix_f32 hidden = matrix(hidden_, kTokens, kHidden);
    const dmoe_matrix_f32 given = matrix(given_, kTokens, kExperts);
    const dmoe_output_f32 logits = output(logits_, kTokens, kExperts);
    const dmoe_route_params params = route_params(1, kSlots);
    const dmoe_routes rows = routes_.view();
    switch (step_) {
      case Step::kLogits:
        return dmoe_router_logits(router_.get(), &hidden, &logits);
      case Step::kRoute:
        return dmoe_router_route(router_.get(), &hidden, &params, &rows, nullptr);
      case Step::kSelect:
        return dmoe_router_select(router_.get(), &given, &params, &rows, nullptr);
      default: {
        dmoe_layer_params limits{};
        limits.struct_size = sizeof limits;
        limits.capacity_factor = 0.5f;
        limits.overflow = DMOE_OVERFLOW_REROUTE;
        return dmoe_router_limit(router_.get(), &given, &params, &limits, &rows, nullptr);
      }
    }
  }

  std::vector<float> outputs() const override {
    std::vector<float> all = logits_;
    for (const auto* values : {&routes_.weights, &routes_.scores, &routes_.logits, &routes_.gaps})
      all.insert(all.end(), values->begin(), values->end());
    for (const auto* values : {&routes_.ids, &routes_.counts})
      all.insert(all.end(), values->begin(), values->end());
    return all;
  }

 private:
  static constexpr int32_t kHidden = 32, kExperts = 8, kSlots = 3;
  static constexpr int64_t kTokens = 600;

  // Chunks so small that the workspace of a whole batch, which a limit takes, is larger than theirs.
  static dmoe_router_options options() {
    dmoe_router_options o = router_options(kHidden, kExperts, 2);
    o.max_tokens = 8;
    return o;
  }

  Step step_;
  RouterHandle router_;
  std::vector<float> hidden_, given_;
  RouteBuffers routes_;
  std::vector<float> logits_;
};

class LayerCaller : public Caller {
 public:
  enum class Step { kForward, kForwardWithin, kExecute };

  LayerCaller(Step step, int32_t format) : step_(step), layer_(spec(format)) {
    x_ = layer_.tokens(kTokens);
    y_.assign(x_.size(), -77.0f);
    routing_.slots = layer_.spec().k;
    routing_.ids.resize(static_cast<size_t>(kTokens * routing_.slots));
    routing_.weights.assign(routing_.ids.size(), 0.5f);
    for (size_t i = 0; i < routing_.ids.size(); ++i) routing_.ids[i] = static_cast<int32_t>(i % 8);
  }

  dmoe_status call() override {
    const dmoe_matrix_f32 in = matrix(x_, layer_.spec().hidden);
    const dmoe_output_f32 out = output(y_, layer_.spec().hidden);
    const dmoe_route_params params = layer_.params();
    const dmoe_routes routes = routing_.view(kTokens);
    dmoe_layer_params limits{};
    limits.struct_size = sizeof limits;
    limits.capacity_factor = 0.5f;
    limits.overflow = DMOE_OVERFLOW_REROUTE;
    limits.max_distinct = 4;
    if (step_ == Step::kExecute) return dmoe_layer_execute(layer_.layer(), &in, &routes, &out, nullptr);
    return dmoe_layer_forward(layer_.layer(), &in, &params, step_ == Step::kForwardWithin ? &limits : nullptr,
                              nullptr, &out, nullptr);
  }

  std::vector<float> outputs() const override { return y_; }

 private:
  static constexpr int64_t kTokens = 40;
  static LayerSpec spec(int32_t format) {
    LayerSpec s;
    s.format = format;
    s.shared = 1;
    return s;
  }

  Step step_;
  TestLayer layer_;
  std::vector<float> x_, y_;
  Routing routing_;
};

class LinearCaller : public Caller {
 public:
  explicit LinearCaller(int32_t format) : x_(Random(6).normals(5 * 32)), y_(5 * 48, -77.0f) {
    const std::vector<float> weights = Random(7).normals(32 * 48);
    dmoe_linear_options options{};
    options.struct_size = sizeof options;
    options.inputs = 32;
    options.outputs = 48;
    options.format = format;
    options.weights = weights.data();
    dmoe_linear* linear = nullptr;
    EXPECT_EQ(dmoe_linear_create(&options, &linear), DMOE_OK) << dmoe_last_error();
    linear_.reset(linear);
  }
  dmoe_status call() override {
    const dmoe_matrix_f32 in = matrix(x_, 32);
    const dmoe_output_f32 out = output(y_, 48);
    return dmoe_linear_run(linear_.get(), &in, 0, &out);
  }
  std::vector<float> outputs() const override { return y_; }

 private:
  std::vector<float> x_, y_;
  std::unique_ptr<dmoe_linear, decltype(&dmoe_linear_destroy)> linear_{nullptr, dmoe_linear_destroy};
};

TEST_F(OutOfMemoryInCall, Router_WhateverAllocationFails_IsUsableAfterwards) {
  for (auto step : {RouterCaller::Step::kLogits, RouterCaller::Step::kRoute, RouterCaller::Step::kSelect,
                    RouterCaller::Step::kLimit})
    EXPECT_GE(expect_clean_failures([=] { return std::make_unique<RouterCaller>(step); }), 1);
}

TEST_F(OutOfMemoryInCall, Layer_WhateverAllocationFails_IsUsableAfterwards) {
  for (int32_t format : {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4}) {
    // The layer's workspace and the router's.
    EXPECT_EQ(expect_clean_failures(
                  [=] { return std::make_unique<LayerCaller>(LayerCaller::Step::kForward, format); }),
              2);
    EXPECT_EQ(expect_clean_failures(
                  [=] { return std::make_unique<LayerCaller>(LayerCaller::Step::kForwardWithin, format); }),
              2);
    EXPECT_EQ(expect_clean_failures(
                  [=] { return std::make_unique<LayerCaller>(LayerCaller::Step::kExecute, format); }),
              1);
  }
}

// The workspace is measured before it is taken; a pool that grows in between must not make it too small.
TEST_F(OutOfMemoryInCall, Layer_WhenThePoolGrowsWhileItsWorkspaceIsTaken_HasEnough) {
  for (auto step : {LayerCaller::Step::kForward, LayerCaller::Step::kExecute}) {
    set_pool_threads(1);
    LayerCaller caller(step, DMOE_FORMAT_F32);
    AllocationFault growth(1, [] { set_pool_threads(kThreads); });
    const dmoe_status status = caller.call();
    growth.end();
    EXPECT_TRUE(growth.fired());
    EXPECT_EQ(pool_threads(), kThreads);
    EXPECT_EQ(status, DMOE_OK) << dmoe_last_error();
  }
}

TEST_F(OutOfMemoryInCall, Linear_WhateverAllocationFails_IsUsableAfterwards) {
  for (int32_t format : {DMOE_FORMAT_F32, DMOE_FORMAT_BF16})
    EXPECT_EQ(expect_clean_failures([=] { return std::make_unique<LinearCaller>(format); }), 1);
}

}  // namespace
}  // namespace dmoe::test
