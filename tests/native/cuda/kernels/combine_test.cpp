// combine.cu against ops/combine and ops/dense: the same bits.
#include "ops/combine/combine.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "cuda/kernels/launches.hpp"
#include "ops/dense/dense.hpp"
#include "support/cases/row_cases.hpp"
#include "support/kernel_lines.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

cuda::CombineTask combine_task(const CombineCase& c, std::vector<float>& out, cuda::Failures& failures) {
  out.assign(static_cast<size_t>(c.tokens * c.columns), 5.0f);
  cuda::CombineTask task{};
  task.tokens = static_cast<int32_t>(c.tokens);
  task.slots = static_cast<int32_t>(c.slots);
  task.columns = static_cast<int32_t>(c.columns);
  task.rows = c.rows.data();
  task.weights = c.weights.data();
  task.y = c.y.data();
  task.y_stride = task.out_stride = c.columns;
  task.out = out.data();
  task.failures = &failures;
  return task;
}

std::vector<float> on_cpu(const CombineCase& c) {
  std::vector<float> out(static_cast<size_t>(c.tokens * c.columns));
  kernel_lines<combine_kernel>("combine").back().run({c.tokens, c.slots, c.columns, c.rows.data(),
                                                      c.weights.data(), c.y.data(), c.columns, out.data(),
                                                      c.columns});
  return out;
}

TEST(CudaCombine, WhenSlotsAreUnused_HasTheBitsOfTheCpu) {
  auto cases = combine_cases();
  Random random(30);
  cases.emplace_back(random, 3, 1030);  // three parts of a row
  for (const CombineCase& c : cases) {
    const auto expected = on_cpu(c);
    for (KernelRunner* runner : runners()) {
      std::vector<float> out;
      auto failures = no_failures();
      const auto task = combine_task(c, out, failures);
      launch(*runner, "dmoe_combine", cuda::launch_combine(task), task);
      EXPECT_TRUE(same_bits(out, expected)) << runner->name() << " columns " << c.columns;
      EXPECT_EQ(failures.overflow, cuda::kNoFailure);
    }
  }
}

TEST(CudaCombine, WithSharedExperts_AddsThemLast) {
  Random random(31);
  for (const CombineCase& c : combine_cases()) {
    constexpr int64_t kShared = 2;
    const auto shared_y = random.normals(kShared * c.tokens * c.columns);
    const auto gates = random.normals(c.tokens);
    for (bool gated : {false, true}) {
      // The CPU has the shared experts as further slots, over rows behind the routed ones.
      CombineCase all = c;
      const auto routed = static_cast<int32_t>(c.tokens * c.slots);
      all.slots = c.slots + kShared;
      all.y.insert(all.y.end(), shared_y.begin(), shared_y.end());
      all.rows.clear();
      all.weights.clear();
      for (int64_t t = 0; t < c.tokens; ++t) {
        for (int64_t s = 0; s < c.slots; ++s) {
          all.rows.push_back(c.rows[static_cast<size_t>(t * c.slots + s)]);
          all.weights.push_back(c.weights[static_cast<size_t>(t * c.slots + s)]);
        }
        for (int64_t s = 0; s < kShared; ++s) {
          all.rows.push_back(routed + static_cast<int32_t>(s * c.tokens + t));
          all.weights.push_back(gated ? gates[static_cast<size_t>(t)] : 1.0f);
        }
      }
      const auto expected = on_cpu(all);
      for (KernelRunner* runner : runners()) {
        std::vector<float> out;
        auto failures = no_failures();
        auto task = combine_task(c, out, failures);
        task.shared = kShared;
        task.shared_y = shared_y.data();
        task.shared_weights = gated ? gates.data() : nullptr;
        launch(*runner, "dmoe_combine", cuda::launch_combine(task), task);
        EXPECT_TRUE(same_bits(out, expected)) << runner->name() << " columns " << c.columns;
      }
    }
  }
}

TEST(CudaCombine, WhenAResultIsNotFinite_NamesTheLowestToken) {
  Random random(32);
  for (int64_t columns : {3, 16, 515})
    for (float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      CombineCase c(random, 1, columns);
      c.rows = {0, 1, 2, 3, 4, 5};
      c.y[static_cast<size_t>(3 * columns - 1)] = c.y[static_cast<size_t>(4 * columns)] = bad;
      for (KernelRunner* runner : runners()) {
        std::vector<float> out;
        auto failures = no_failures();
        const auto task = combine_task(c, out, failures);
        launch(*runner, "dmoe_combine", cuda::launch_combine(task), task);
        EXPECT_EQ(failures.overflow, 2) << runner->name();
      }
    }
}

TEST(CudaCombine, LaunchOfManyTokens_HasThemAlongX) {
  cuda::CombineTask task{};
  task.tokens = 1 << 30;
  task.columns = 1 << 20;
  EXPECT_EQ(cuda::launch_combine(task).x, 1u << 30);
  EXPECT_LE(cuda::launch_combine(task).y, 65535u);
}

TEST(CudaSharedGate, OfAnyRow_HasTheBitsOfTheCpu) {
  auto* const cpu = kernel_lines<gate_rows_kernel>("gate_rows").back().run;
  Random random(33);
  for (int64_t columns : {1, 15, 16, 17, 300})
    for (int64_t tokens : {1, 3, 33})
      for (float scale : {1e-25f, 1.0f, 30.0f}) {
        const auto hidden = random.normals(tokens * (columns + 1), scale);
        const auto gate = random.normals(columns);
        std::vector<float> expected(static_cast<size_t>(tokens));
        cpu({{hidden.data(), tokens, columns, columns + 1}, gate.data(), expected.data()});
        for (KernelRunner* runner : runners()) {
          std::vector<float> weights(static_cast<size_t>(tokens) + 1, -7.0f);
          const cuda::SharedGateTask task{
              hidden.data(), columns + 1,   static_cast<int32_t>(tokens), static_cast<int32_t>(columns),
              gate.data(),   weights.data()};
          launch(*runner, "dmoe_shared_gate", cuda::launch_shared_gate(task), task);
          EXPECT_TRUE(same_bits(weights.data(), expected.data(), expected.size()))
              << runner->name() << " columns " << columns;
          EXPECT_EQ(weights.back(), -7.0f);
        }
      }
}

}  // namespace
}  // namespace dmoe::test
