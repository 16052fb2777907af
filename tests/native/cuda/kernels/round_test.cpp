// round.cu: the nearest bfloat16 of each element, zeros up to the stride.
#include <gtest/gtest.h>

#include <cmath>

#include "core/memory.hpp"
#include "cuda/runner.hpp"
#include "kernels/launch_experts.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

// Rounds and expects each element to be what to_bf16 makes of it, NaN aside.
void check(KernelRunner& runner, const std::vector<float>& values, int32_t columns, int64_t in_stride,
           int64_t out_stride) {
  const auto rows = static_cast<int32_t>(static_cast<int64_t>(values.size()) / columns);
  Buffer<float> in(static_cast<size_t>(rows * in_stride));
  for (int64_t i = 0; i < int64_t{rows} * columns; ++i) {
    in.data()[i / columns * in_stride + i % columns] = values[static_cast<size_t>(i)];
  }
  Buffer<uint16_t> out(static_cast<size_t>(rows * out_stride));
  for (size_t i = 0; i < out.size(); ++i) out[i] = 0x1234;
  const cuda::RoundTask task{in.data(), in_stride, rows, columns, out.data(), out_stride};
  const cuda::ExpertsLaunch launch = cuda::round_launch(task, 1);
  runner.launch(launch.entry, {launch.blocks}, {launch.threads}, 0, task);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < out_stride; ++c) {
      const uint16_t actual = out.data()[r * out_stride + c];
      const float value = c < columns ? values[static_cast<size_t>(r * columns + c)] : 0.0f;
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(from_bf16(actual))) << runner.name();
      } else {
        EXPECT_EQ(actual, to_bf16(value))
            << runner.name() << " row " << r << " column " << c << " of " << value;
      }
    }
  }
}

TEST(CudaRound, WhenOfAnyShape_RoundsToNearestEven) {
  Random random(12);
  for (KernelRunner* runner : runners()) {
    check(*runner, random.normals(1), 1, 1, 8);
    check(*runner, random.normals(5 * 17), 17, 17, 24);
    check(*runner, random.normals(5 * 17), 17, 20, 32);
    check(*runner, random.normals(70 * 260), 260, 260, 264);  // more than the grid writes at once
  }
}

TEST(CudaRound, WhenValuesAreExtreme_RoundsThemAsWell) {
  const auto bits = [](uint32_t b) {
    float value;
    std::memcpy(&value, &b, sizeof value);
    return value;
  };
  const std::vector<float> values{0.0f,
                                  -0.0f,
                                  HUGE_VALF,
                                  -HUGE_VALF,
                                  NAN,
                                  bits(0x7f800001u),
                                  bits(0x00000001u),
                                  bits(0x00008000u),
                                  bits(0x00018000u),
                                  bits(0x3f808000u),
                                  bits(0x3f818000u),
                                  bits(0x3f808001u),
                                  bits(0x7f7fffffu),
                                  bits(0x7f7f7fffu),
                                  bits(0xff7fffffu),
                                  bits(0x80008001u)};
  for (KernelRunner* runner : runners()) check(*runner, values, 16, 16, 16);
}

}  // namespace
}  // namespace dmoe::test
