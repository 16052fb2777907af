// norm.cu against ops/norm: the same bits.
#include "ops/norm/norm.hpp"

#include <gtest/gtest.h>

#include "cuda/kernels/launches.hpp"
#include "support/cases/row_cases.hpp"
#include "support/kernel_lines.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

// Rows lie a float further apart than they are long, so that some are aligned and some are not.
void expect_same(const char* op, const char* entry) {
  auto* const cpu = kernel_lines<norm_rms_kernel>(op).back().run;
  auto cases = norm_cases();
  NormCase zeros = cases[3];
  for (size_t i = 0; i < zeros.x.size(); ++i) zeros.x[i] = i % 2 ? 0.0f : -0.0f;
  cases.push_back(zeros);
  for (const NormCase& c : cases)
    for (bool affine : {false, true}) {
      const auto stride = static_cast<size_t>(c.columns + 1);
      std::vector<float> x(3 * stride, 9.0f), expected(3 * stride, 9.0f);
      for (size_t i = 0; i < c.x.size(); ++i) {
        const size_t row = i / static_cast<size_t>(c.columns);
        x[row * stride + i % static_cast<size_t>(c.columns)] = c.x[i];
      }
      const float* weight = affine ? c.weight.data() : nullptr;
      const float* bias = affine ? c.bias.data() : nullptr;
      const auto wide = static_cast<int64_t>(stride);
      cpu({x.data(), wide, c.rows, c.columns, weight, bias, NormCase::kEpsilon, expected.data(), wide});
      for (KernelRunner* runner : runners())
        for (bool in_place : {false, true}) {
          std::vector<float> y = in_place ? x : std::vector<float>(x.size(), 9.0f);
          const cuda::NormTask task{in_place ? y.data() : x.data(),
                                    wide,
                                    3,
                                    static_cast<int32_t>(c.columns),
                                    weight,
                                    bias,
                                    NormCase::kEpsilon,
                                    y.data(),
                                    wide};
          launch(*runner, entry, cuda::launch_norm(task), task);
          EXPECT_TRUE(same_bits(y, expected))
              << runner->name() << " columns " << c.columns << (in_place ? " in place" : "");
        }
    }
}

TEST(CudaNorm, RmsOfAnyWidth_HasTheBitsOfTheCpu) { expect_same("norm_rms", "dmoe_rms_norm"); }
TEST(CudaNorm, LayerOfAnyWidth_HasTheBitsOfTheCpu) { expect_same("norm_layer", "dmoe_layer_norm"); }

}  // namespace
}  // namespace dmoe::test
