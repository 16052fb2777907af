// capacity: every kernel against hand-made cases and against the definition on random routes.
#include "ops/capacity/capacity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

struct Batch {
  int64_t tokens;
  int32_t slots, experts;
  std::vector<float> logits, weights;
  std::vector<int32_t> ids, counts;
  std::vector<int64_t> load;
  int64_t overflow = 0, dropped = 0;

  void run(capacity_kernel* kernel, float factor, bool reroute) {
    std::vector<uint64_t> claims(ids.size() + 1), keys(static_cast<size_t>(experts + 1));
    std::vector<float> mass(static_cast<size_t>(experts));
    counts.assign(static_cast<size_t>(tokens), -1);
    load.assign(static_cast<size_t>(experts), -1);
    Capacity task{};
    task.rules = RankRules{experts, 0, 1, 1, 0, nullptr, nullptr};
    task.logits = logits.data();
    task.stride = experts;
    task.tokens = tokens;
    task.slots = slots;
    task.factor = factor;
    task.reroute = reroute;
    task.ids = ids.data();
    task.weights = weights.data();
    task.counts = counts.data();
    task.claims = claims.data();
    task.load = load.data();
    task.mass = mass.data();
    task.keys = keys.data();
    kernel(task);
    overflow = task.overflow;
    dropped = task.dropped;
  }
};

// Three tokens that all prefer expert 0; two experts; capacity ceil(1 * 3 / 2) = 2.
Batch crowd() { return Batch{3, 1, 2, {1, 0, 3, 0, 2, 0}, {0.5f, 0.9f, 0.5f}, {0, 0, 0}, {}, {}}; }

TEST(CapacityOp, Drop_WhenAnExpertIsFull_KeepsTheHeaviestThenTheEarlier) {
  for (const auto& line : kernel_lines<capacity_kernel>("capacity")) {
    Batch batch = crowd();
    batch.run(line.run, 1.0f, false);
    EXPECT_EQ(batch.ids, (std::vector<int32_t>{0, 0, -1}));
    EXPECT_EQ(batch.weights, (std::vector<float>{0.5f, 0.9f, 0.0f}));
    EXPECT_EQ(batch.counts, (std::vector<int32_t>{1, 1, 0}));
    EXPECT_EQ(batch.load, (std::vector<int64_t>{2, 0}));
    EXPECT_EQ(batch.overflow, 1);
    EXPECT_EQ(batch.dropped, 1);
  }
}

TEST(CapacityOp, Reroute_WhenAnotherHasRoom_MovesTheRouteWithItsWeight) {
  for (const auto& line : kernel_lines<capacity_kernel>("capacity")) {
    Batch batch = crowd();
    batch.run(line.run, 1.0f, true);
    EXPECT_EQ(batch.ids, (std::vector<int32_t>{0, 0, 1}));
    EXPECT_EQ(batch.weights, (std::vector<float>{0.5f, 0.9f, 0.5f}));
    EXPECT_EQ(batch.overflow, 1);
    EXPECT_EQ(batch.dropped, 0);
  }
}

TEST(CapacityOp, Drop_WhenATokenKeepsARoute_ScalesItToTheOldSum) {
  for (const auto& line : kernel_lines<capacity_kernel>("capacity")) {
    // Four routes, two experts, factor 0.5: one place each.
    Batch batch{2, 2, 2, {0, 0, 0, 0}, {0.75f, 0.25f, 0.5f, 0.5f}, {0, 1, 0, 1}, {}, {}};
    batch.run(line.run, 0.5f, false);
    EXPECT_EQ(batch.ids, (std::vector<int32_t>{0, -1, 1, -1}));
    EXPECT_EQ(batch.weights, (std::vector<float>{1.0f, 0.0f, 1.0f, 0.0f}));
    EXPECT_EQ(batch.dropped, 2);
  }
}

TEST(CapacityOp, Limit_OnRandomRoutes_HoldsItsInvariants) {
  Random random(9);
  for (const auto& line : kernel_lines<capacity_kernel>("capacity"))
    for (bool reroute : {false, true})
      for (float factor : {0.3f, 1.0f, 1.25f, 100.0f}) {
        Batch batch{40, 3, 7, random.normals(40 * 7), {}, {}, {}, {}};
        for (int64_t t = 0; t < batch.tokens; ++t) {
          std::vector<int32_t> order(7);
          std::iota(order.begin(), order.end(), 0);
          // Expert 0 is everybody's favourite, the rest by logit.
          std::sort(order.begin() + 1, order.end(), [&](int32_t a, int32_t b) {
            return batch.logits[static_cast<size_t>(t * 7 + a)] >
                   batch.logits[static_cast<size_t>(t * 7 + b)];
          });
          for (int32_t s = 0; s < 3; ++s) {
            batch.ids.push_back(t % 5 == 0 && s == 2 ? -1 : order[static_cast<size_t>(s)]);
            batch.weights.push_back(batch.ids.back() < 0 ? 0.0f : std::abs(random.normal()) + 0.01f);
          }
        }
        const Batch before = batch;
        const auto routes =
            std::count_if(batch.ids.begin(), batch.ids.end(), [](int32_t id) { return id >= 0; });
        batch.run(line.run, factor, reroute);
        const double capacity = std::ceil(static_cast<double>(factor) * static_cast<double>(routes) / 7);
        int64_t left = 0;
        for (int64_t load : batch.load) {
          EXPECT_LE(static_cast<double>(load), capacity);
          left += load;
        }
        EXPECT_EQ(left, routes - batch.dropped);
        if (factor == 100.0f) {
          EXPECT_EQ(batch.ids, before.ids);
        }
        for (int64_t t = 0; t < batch.tokens; ++t) {
          double sum = 0, sum_before = 0;
          int32_t used = 0;
          for (int32_t s = 0; s < 3; ++s) {
            const auto i = static_cast<size_t>(t * 3 + s);
            sum += static_cast<double>(batch.weights[i]);
            sum_before += static_cast<double>(before.weights[i]);
            used += batch.ids[i] >= 0;
            for (int32_t other = 0; other < s; ++other)
              EXPECT_TRUE(batch.ids[i] < 0 || batch.ids[i] != batch.ids[static_cast<size_t>(t * 3 + other)]);
          }
          EXPECT_EQ(batch.counts[static_cast<size_t>(t)], used);
          if (used > 0) {
            EXPECT_NEAR(sum, sum_before, 1e-6);
          }
        }
      }
}

}  // namespace
}  // namespace dmoe::test
