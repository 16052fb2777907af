// A token's routing is the same bits whatever batch, chunk size or thread count it came with, and nothing is
// allocated.
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "support/levels.hpp"
#include "support/router_api.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kHidden = 96, kExperts = 40, kSlots = 4;

dmoe_route_params rules() {
  auto p = route_params(1, kSlots);
  p.score_source = DMOE_SCORE_ROUTER_MARGIN;
  p.noise_factor = 0.1f;
  return p;
}

struct Weights {
  std::vector<float> gate, bias, hidden;
  explicit Weights(int64_t tokens) {
    Random random(21);
    gate = random.normals(kHidden * kExperts, 0.1f);
    bias = random.normals(kExperts);
    hidden = random.normals(tokens * kHidden);
  }
};

RouteBuffers route(const Weights& w, dmoe_isa isa, int32_t chunk, int32_t threads, int64_t first,
                   int64_t count) {
  auto options = router_options(kHidden, kExperts, 2);
  options.isa = isa;
  options.max_tokens = chunk;
  options.threads = threads;
  const RouterHandle router = make_router(options, w.gate, w.bias.data());
  RouteBuffers out(count, kSlots, kExperts);
  const dmoe_matrix_f32 hidden{sizeof hidden, w.hidden.data() + first * kHidden, count, kHidden, kHidden};
  std::vector<int64_t> positions;
  for (int64_t t = 0; t < count; ++t) positions.push_back(first + t);
  auto params = rules();
  params.positions = positions.data();
  const auto routes = out.view();
  EXPECT_EQ(dmoe_router_route(router.get(), &hidden, &params, &routes, nullptr), DMOE_OK)
      << dmoe_last_error();
  return out;
}

bool same_rows(const RouteBuffers& part, const RouteBuffers& all, int64_t first) {
  for (int64_t t = 0; t < part.tokens; ++t) {
    if (part.counts[static_cast<size_t>(t)] != all.counts[static_cast<size_t>(first + t)]) return false;
    if (!same_bits(part.scores[static_cast<size_t>(t)], all.scores[static_cast<size_t>(first + t)]))
      return false;
    for (int32_t s = 0; s < kSlots; ++s)
      if (part.id(t, s) != all.id(first + t, s) || !same_bits(part.weight(t, s), all.weight(first + t, s)) ||
          !same_bits(part.gap(t, s), all.gap(first + t, s)))
        return false;
    for (int32_t e = 0; e < kExperts; ++e)
      if (!same_bits(part.logits[static_cast<size_t>(t * kExperts + e)],
                     all.logits[static_cast<size_t>((first + t) * kExperts + e)]))
        return false;
  }
  return true;
}

TEST(RouterChunk, Route_WhateverBatchChunkAndThreads_GivesTheSameBits) {
  set_pool_threads(4);
  const Weights w(520);
  for (dmoe_isa isa : levels()) {
    const RouteBuffers all = route(w, isa, 1024, 1, 0, 520);
    for (int64_t count : {1, 2, 3, 7, 64, 512})
      for (int32_t chunk : {1, 5, 64, 512}) {
        if (count > 64 && chunk == 1) continue;
        for (int32_t threads : {1, 2, 3}) {
          ASSERT_TRUE(same_rows(route(w, isa, chunk, threads, 5, count), all, 5))
              << dmoe_isa_name(isa) << " T " << count << " chunk " << chunk << " threads " << threads;
        }
      }
  }
  set_pool_threads(0);
}

TEST(RouterChunk, Select_OfTheRoutersLogits_EqualsRoute) {
  const Weights w(100);
  const RouterHandle router = make_router(router_options(kHidden, kExperts, 2), w.gate, w.bias.data());
  const auto hidden = matrix(w.hidden, 100, kHidden);
  std::vector<float> logits(100 * kExperts);
  const auto target = output(logits, 100, kExperts);
  ASSERT_EQ(dmoe_router_logits(router.get(), &hidden, &target), DMOE_OK) << dmoe_last_error();
  RouteBuffers routed(100, kSlots, kExperts), selected(100, kSlots, kExperts);
  const auto params = rules();
  const auto a = routed.view(), b = selected.view();
  const auto input = matrix(logits, 100, kExperts);
  ASSERT_EQ(dmoe_router_route(router.get(), &hidden, &params, &a, nullptr), DMOE_OK);
  ASSERT_EQ(dmoe_router_select(router.get(), &input, &params, &b, nullptr), DMOE_OK);
  EXPECT_TRUE(routed == selected);
}

TEST(RouterChunk, Logits_WithPaddedRows_LeavesThePaddingAlone) {
  const Weights w(70);
  const RouterHandle router = make_router(router_options(kHidden, kExperts), w.gate);
  std::vector<float> padded(70 * (kHidden + 3), std::numeric_limits<float>::quiet_NaN());
  for (int64_t t = 0; t < 70; ++t)
    std::copy_n(w.hidden.begin() + t * kHidden, kHidden, padded.begin() + t * (kHidden + 3));
  std::vector<float> logits(70 * (kExperts + 5), -3.0f), dense(70 * kExperts);
  const dmoe_matrix_f32 in{sizeof in, padded.data(), 70, kHidden, kHidden + 3};
  const dmoe_output_f32 out{sizeof out, logits.data(), 70, kExperts, kExperts + 5};
  const auto plain_in = matrix(w.hidden, 70, kHidden);
  const auto plain_out = output(dense, 70, kExperts);
  ASSERT_EQ(dmoe_router_logits(router.get(), &in, &out), DMOE_OK) << dmoe_last_error();
  ASSERT_EQ(dmoe_router_logits(router.get(), &plain_in, &plain_out), DMOE_OK);
  for (int64_t t = 0; t < 70; ++t)
    for (int64_t e = 0; e < kExperts + 5; ++e)
      ASSERT_TRUE(same_bits(logits[static_cast<size_t>(t * (kExperts + 5) + e)],
                            e < kExperts ? dense[static_cast<size_t>(t * kExperts + e)] : -3.0f));
}

TEST(RouterChunk, Route_AfterWarmUp_AllocatesNothing) {
  const Weights w(150);
  const RouterHandle router = make_router(router_options(kHidden, kExperts, 2), w.gate);
  const auto hidden = matrix(w.hidden, 150, kHidden);
  RouteBuffers out(150, kSlots, kExperts);
  const auto params = rules();
  const auto routes = out.view();
  auto report = empty_report();
  const int64_t before = allocation_count();
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(dmoe_router_route(router.get(), &hidden, &params, &routes, &report), DMOE_OK);
  EXPECT_EQ(allocation_count(), before);
}

TEST(RouterChunk, Route_FromManyThreads_GivesEachItsOwnAnswer) {
  const Weights w(64);
  const RouterHandle router = make_router(router_options(kHidden, kExperts, 2), w.gate, w.bias.data());
  const auto run = [&](RouteBuffers& out) {
    const auto hidden = matrix(w.hidden, 64, kHidden);
    const auto params = rules();
    const auto routes = out.view();
    EXPECT_EQ(dmoe_router_route(router.get(), &hidden, &params, &routes, nullptr), DMOE_OK);
  };
  RouteBuffers expected(64, kSlots, kExperts);
  run(expected);
  std::vector<std::thread> callers;
  for (int c = 0; c < 6; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        RouteBuffers out(64, kSlots, kExperts);
        run(out);
        EXPECT_TRUE(out == expected);
      }
    });
  for (auto& caller : callers) caller.join();
}

}  // namespace
}  // namespace dmoe::test
