// combine.cu against the sum that it stands for, in the same order: equal bits.
#include <gtest/gtest.h>

#include <cmath>

#include "cuda/runner.hpp"
#include "kernels/tasks.hpp"
#include "support/numbers.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kTokens = 5, kSlots = 3;

std::vector<float> expected(int32_t columns, const std::vector<int32_t>& rows,
                            const std::vector<float>& weights, const std::vector<float>& y) {
  std::vector<float> out(static_cast<size_t>(kTokens * columns));
  for (int32_t t = 0; t < kTokens; ++t) {
    for (int32_t c = 0; c < columns; ++c) {
      float sum = 0;
      bool first = true;
      for (int32_t s = 0; s < kSlots; ++s) {
        const auto slot = static_cast<size_t>(t * kSlots + s);
        if (rows[slot] < 0) continue;
        const float value = y[static_cast<size_t>(rows[slot] * columns + c)];
        sum = first ? weights[slot] * value : std::fma(weights[slot], value, sum);
        first = false;
      }
      out[static_cast<size_t>(t * columns + c)] = sum;
    }
  }
  return out;
}

TEST(CudaCombine, WhenSlotsAreUnused_SumsTheOthersInOrder) {
  Random random(3);
  for (KernelRunner* runner : runners()) {
    for (const int32_t columns : {1, 70, 300}) {
      const std::vector<float> y = random.normals(kTokens * kSlots * columns);
      const std::vector<float> weights = random.normals(kTokens * kSlots);
      std::vector<int32_t> rows;
      for (int32_t i = 0; i < kTokens * kSlots; ++i) {
        rows.push_back(i < kSlots || random.below(3) == 0 ? -1 : kTokens * kSlots - 1 - i);
      }
      std::vector<float> out(static_cast<size_t>(kTokens * columns), 5.0f);
      cuda::Failures failures{cuda::kNoFailure, cuda::kNoFailure, cuda::kNoFailure};
      cuda::CombineTask task{};
      task.tokens = kTokens;
      task.slots = kSlots;
      task.columns = columns;
      task.rows = rows.data();
      task.weights = weights.data();
      task.y = y.data();
      task.y_stride = task.out_stride = columns;
      task.out = out.data();
      task.failures = &failures;
      runner->launch("dmoe_combine", {static_cast<unsigned>(columns + 255) / 256, kTokens}, 256, 0, task);
      EXPECT_TRUE(same_bits(out, expected(columns, rows, weights, y))) << runner->name() << " " << columns;
      EXPECT_EQ(failures.overflow, cuda::kNoFailure) << runner->name();
    }
  }
}

}  // namespace
}  // namespace dmoe::test
