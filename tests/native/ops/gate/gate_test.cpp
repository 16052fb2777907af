// gate: every kernel against double precision within the bound of gate.hpp, and against one another.
#include "ops/gate/gate.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

constexpr int64_t kStride = 320;

struct Result {
  std::vector<float> mass, totals;
};

Result run(gate_softmax_kernel* kernel, const std::vector<float>& logits, int64_t rows, int32_t experts) {
  Result r{std::vector<float>(static_cast<size_t>(rows * kStride), -7.0f),
           std::vector<float>(static_cast<size_t>(rows))};
  kernel(Gate{logits.data(), kStride, rows, experts, r.mass.data(), r.totals.data()});
  return r;
}

// Normal rows, and the extreme ones: equal, one hot, huge, denormal.
std::vector<float> rows_of_logits(Random& random, float scale) {
  auto logits = random.normals(6 * kStride, scale);
  for (int64_t e = 0; e < kStride; ++e) {
    logits[static_cast<size_t>(kStride + e)] = 0.25f;
    logits[static_cast<size_t>(2 * kStride + e)] = e == 3 ? 500.0f : 0.0f;
    logits[static_cast<size_t>(3 * kStride + e)] = e % 2 ? 3e38f : -3e38f;
    logits[static_cast<size_t>(4 * kStride + e)] = static_cast<float>(e) * 1e-42f;
  }
  return logits;
}

void check(const char* op, bool sigmoid) {
  Random random(7);
  const auto lines = kernel_lines<gate_softmax_kernel>(op);
  ASSERT_FALSE(lines.empty());
  for (int32_t experts : {1, 2, 8, 16, 33, 60, 256})
    for (float scale : {1e-3f, 1.0f, 30.0f}) {
      const auto logits = rows_of_logits(random, scale);
      const Result portable = run(lines.back().run, logits, 6, experts);
      for (const auto& line : lines) {
        const Result r = run(line.run, logits, 6, experts);
        EXPECT_TRUE(same_bits(r.mass, portable.mass)) << line.name;
        EXPECT_TRUE(same_bits(r.totals, portable.totals)) << line.name;
      }
      for (int64_t t = 0; t < 6; ++t) {
        const float* l = logits.data() + t * kStride;
        const double best = static_cast<double>(*std::max_element(l, l + experts));
        double sum = 0;
        for (int32_t e = 0; e < experts; ++e) {
          const double x = static_cast<double>(l[e]);
          const double exact = sigmoid ? 1 / (1 + std::exp(-x)) : std::exp(x - best);
          const double moved = sigmoid ? 0 : std::min(best - x, 104.0);
          const double bound = (4 + moved) * 0x1p-24 * exact + 0x1p-148;
          const auto actual = static_cast<double>(portable.mass[static_cast<size_t>(t * kStride + e)]);
          ASSERT_LE(std::abs(actual - exact), bound) << op << " row " << t << " expert " << e;
          sum += actual;
        }
        ASSERT_LE(std::abs(static_cast<double>(portable.totals[static_cast<size_t>(t)]) - sum),
                  gamma(experts / 16 + 5) * sum);
      }
    }
}

TEST(GateOp, Softmax_OfAnyLogits_IsWithinItsBoundAndTheSameBitsAtEveryLevel) { check("gate_softmax", false); }
TEST(GateOp, Sigmoid_OfAnyLogits_IsWithinItsBoundAndTheSameBitsAtEveryLevel) { check("gate_sigmoid", true); }

}  // namespace
}  // namespace dmoe::test
