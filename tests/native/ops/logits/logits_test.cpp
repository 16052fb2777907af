// logits and noise: every kernel against double precision within the bound of logits.hpp, and against one
// another.
#include "ops/logits/logits.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/rules/noise.hpp"
#include "support/kernel_lines.hpp"
#include "support/packed.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

struct Problem {
  int64_t rows, K, experts, padded;
  std::vector<float> hidden, bias;
  PackedWeights weights;

  Problem(Random& random, int64_t t, int64_t k, int64_t e)
      : rows(t),
        K(k),
        experts(e),
        padded((e + 31) / 32 * 32),
        hidden(random.normals(t * k)),
        bias(static_cast<size_t>(padded), 0.0f),
        weights(random, e, k, DMOE_FORMAT_F32) {
    for (int64_t i = 0; i < e; ++i) bias[static_cast<size_t>(i)] = random.normal();
  }
  std::vector<float> run(logits_f32_kernel* kernel, bool with_bias, int64_t first = 0,
                         int64_t count = -1) const {
    std::vector<float> out(static_cast<size_t>(rows * padded), -7.0f);
    Logits task{};
    task.hidden = hidden.data() + first * K;
    task.hidden_stride = K;
    task.rows = count < 0 ? rows : count;
    task.K = K;
    task.packed = reinterpret_cast<const float*>(weights.panels.data());
    task.bias = with_bias ? bias.data() : nullptr;
    task.panels = padded / 32;
    task.last_columns = experts - (padded - 32);
    task.logits = out.data() + first * padded;
    task.logits_stride = padded;
    kernel(task);
    return out;
  }
};

TEST(LogitsOp, Logits_OfAnyShape_AreWithinTheirBoundAndTheSameBitsAtEveryLevel) {
  Random random(1);
  const auto lines = kernel_lines<logits_f32_kernel>("logits_f32");
  ASSERT_FALSE(lines.empty());
  for (int64_t rows : {1, 2, 3, 7, 65})
    for (int64_t K : {1, 5, 64, 1100})
      for (int64_t experts : {1, 8, 32, 33, 60, 128}) {
        const Problem problem(random, rows, K, experts);
        for (bool with_bias : {false, true}) {
          const auto portable = problem.run(lines.back().run, with_bias);
          for (const auto& line : lines)
            EXPECT_TRUE(same_bits(problem.run(line.run, with_bias), portable)) << line.name;
          for (int64_t t = 0; t < rows; ++t)
            for (int64_t e = 0; e < experts; ++e) {
              double exact = with_bias ? static_cast<double>(problem.bias[static_cast<size_t>(e)]) : 0;
              double magnitude = std::abs(exact);
              for (int64_t k = 0; k < K; ++k) {
                const double term = static_cast<double>(problem.hidden[static_cast<size_t>(t * K + k)]) *
                                    problem.weights.at(e, k);
                exact += term;
                magnitude += std::abs(term);
              }
              const auto actual = static_cast<double>(portable[static_cast<size_t>(t * problem.padded + e)]);
              ASSERT_LE(std::abs(actual - exact), gamma(K + 1) * magnitude);
            }
        }
      }
}

TEST(LogitsOp, Logits_WhateverTheBatch_AreTheSameBits) {
  Random random(2);
  const Problem problem(random, 130, 300, 60);
  for (const auto& line : kernel_lines<logits_f32_kernel>("logits_f32")) {
    const auto all = problem.run(line.run, true);
    for (int64_t count : {1, 2, 3, 7, 64}) {
      const auto part = problem.run(line.run, true, 50, count);
      const int64_t first = 50 * problem.padded;
      ASSERT_TRUE(
          same_bits(part.data() + first, all.data() + first, static_cast<size_t>(count * problem.padded)))
          << line.name << " " << count;
    }
  }
}

TEST(LogitsOp, Logits_WhenHiddenIsNotFinite_AreNotFiniteInEveryColumn) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()})
    for (int64_t at : {0, 3, 16}) {
      Random random(3);
      Problem problem(random, 3, 17, 40);
      problem.hidden[static_cast<size_t>(17 + at)] = bad;
      for (const auto& line : kernel_lines<logits_f32_kernel>("logits_f32")) {
        const auto out = problem.run(line.run, true);
        for (int64_t e = 0; e < 40; ++e) {
          EXPECT_FALSE(std::isfinite(out[static_cast<size_t>(problem.padded + e)])) << line.name;
          EXPECT_TRUE(std::isfinite(out[static_cast<size_t>(e)])) << line.name;
        }
      }
    }
}

TEST(LogitsOp, Noise_OnEveryLevel_IsTheRule) {
  Random random(4);
  const std::vector<int64_t> positions = {5, -1, int64_t{1} << 40};
  for (const auto& line : kernel_lines<noise_f32_kernel>("noise_f32"))
    for (int32_t experts : {1, 8, 19, 64})
      for (bool given : {false, true}) {
        const auto base = random.normals(3 * 70);
        auto noisy = base;
        line.run(Noise{noisy.data(), 70, 3, experts, 0.25f, 99, given ? positions.data() : nullptr, 1000});
        for (int64_t t = 0; t < 3; ++t)
          for (int64_t e = 0; e < 70; ++e) {
            const auto i = static_cast<size_t>(t * 70 + e);
            const int64_t position = given ? positions[static_cast<size_t>(t)] : 1000 + t;
            const float z = e < experts ? rule_noise(99, position, static_cast<int32_t>(e)) : 0.0f;
            ASSERT_TRUE(same_bits(noisy[i], base[i] + 0.25f * z)) << line.name;
          }
      }
}

}  // namespace
}  // namespace dmoe::test
