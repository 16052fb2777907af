// experts_*.cu against the CPU's kernels: f32 bit for bit, the activations included; the other formats within
// both bounds.
#include <gtest/gtest.h>

#include <cmath>

#include "core/panel_gemm.hpp"
#include "cuda/kernels/experts_fixture.hpp"
#include "ops/experts/experts.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

// h of f32 experts as the CPU has it, first expert.
std::vector<std::vector<float>> cpu_up(const Experts& experts, const DeviceRows& x) {
  std::vector<const void*> pointers;
  for (int64_t r = 0; r < x.rows; ++r) pointers.push_back(x.floats.data() + r * x.stride);
  const int64_t columns = experts.up_panels() * experts.panel_width();
  std::vector<float> h(static_cast<size_t>(x.rows * columns)),
      scratch(static_cast<size_t>(x.rows * kUpGroupPanels * 32));
  const ExpertView view = experts.view(0);
  ExpertsUp t;
  t.gemm = {pointers.data(),     x.rows,         x.columns,          view.up,
            experts.up_panels(), scratch.data(), kUpGroupPanels * 32};
  t.kind = experts.kind();
  t.bias = view.up_bias;
  t.hidden = h.data();
  t.hidden_stride = columns * 4;
  experts.run_up(t);
  std::vector<std::vector<float>> rows;
  for (int64_t r = 0; r < x.rows; ++r) {
    const auto at = h.begin() + r * columns;
    rows.emplace_back(at, at + experts.width());
  }
  return rows;
}

std::vector<std::vector<float>> cpu_down(const Experts& experts, const DeviceRows& h) {
  std::vector<const void*> pointers;
  for (int64_t r = 0; r < h.rows; ++r) pointers.push_back(h.floats.data() + r * h.stride);
  const int64_t columns = experts.down_panels() * 32;
  std::vector<float> y(static_cast<size_t>(h.rows * columns));
  const ExpertView view = experts.view(0);
  experts.run_down(
      {{pointers.data(), h.rows, experts.width(), view.down, experts.down_panels(), y.data(), columns},
       view.down_bias});
  std::vector<std::vector<float>> rows;
  for (int64_t r = 0; r < h.rows; ++r) {
    const auto at = y.begin() + r * columns;
    rows.emplace_back(at, at + experts.hidden());
  }
  return rows;
}

TEST(CudaExpertsAndCpu, F32_WhenAnyKind_GivesTheCpusBits) {
  for (int32_t kind = DMOE_EXPERT_SWIGLU; kind <= DMOE_EXPERT_SILU; ++kind) {
    for (const bool bias : {false, true}) {
      if (kFewSizes && (kind > DMOE_EXPERT_GELU || bias != (kind == DMOE_EXPERT_GELU))) continue;
      ExpertsSpec s;
      s.format = DMOE_FORMAT_F32;
      s.kind = kind;
      s.hidden = 75;
      s.width = 45;
      s.bias = bias;
      const ExpertsFixture f(s);
      const ExpertRows rows = ExpertRows::shared(1, 10);
      const DeviceRows x = f.inputs(10);
      const auto cpu_h = cpu_up(f.experts(), x);
      for (KernelRunner* runner : runners()) {
        for (const ExpertsTile tile : {ExpertsTile::kSmallBatch, ExpertsTile::k64}) {
          const DeviceRows h = f.up(*runner, tile, rows, x);
          const DeviceRows y = f.down(*runner, tile, rows, x, h);
          const auto cpu_y = cpu_down(f.experts(), h);
          for (size_t r = 0; r < 10; ++r) {
            EXPECT_TRUE(same_bits(h.row(static_cast<int64_t>(r)), cpu_h[r]))
                << runner->name() << " kind " << kind;
            EXPECT_TRUE(same_bits(y.row(static_cast<int64_t>(r)), cpu_y[r]))
                << runner->name() << " kind " << kind;
          }
        }
      }
    }
  }
}

// One weight of 1 turns the product into the activation of x itself; the CPU's test of the same holds it to
// its bound.
TEST(CudaExpertsAndCpu, Activation_WhenOfAnyMagnitude_GivesTheCpusBits) {
  std::vector<float> inputs{0.0f, -0.0f, HUGE_VALF, -HUGE_VALF};
  for (int exponent = -30; exponent <= 12; ++exponent) {
    for (int step = 0; step < 16; step += kFewSizes ? 8 : 1) {
      const float value = std::ldexp(1.0f + static_cast<float>(step) / 16.0f, exponent);
      inputs.push_back(value);
      inputs.push_back(-value);
    }
  }
  for (int32_t kind = DMOE_EXPERT_GELU; kind <= DMOE_EXPERT_SILU; ++kind) {
    ExpertsSpec s;
    s.format = DMOE_FORMAT_F32;
    s.kind = kind;
    s.hidden = s.width = 1;
    s.constant = 1;
    const ExpertsFixture f(s);
    const DeviceRows x = f.inputs(inputs);
    const ExpertRows rows = ExpertRows::shared(1, static_cast<int32_t>(inputs.size()));
    const auto cpu = cpu_up(f.experts(), x);
    for (KernelRunner* runner : runners()) {
      const DeviceRows h = f.up(*runner, ExpertsTile::k64, rows, x);
      for (size_t i = 0; i < inputs.size(); ++i) {
        EXPECT_TRUE(same_bits(h.at(static_cast<int64_t>(i), 0), cpu[i][0]))
            << runner->name() << " kind " << kind << " x " << inputs[i];
      }
    }
  }
}

}  // namespace
}  // namespace dmoe::test
