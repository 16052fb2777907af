// norms as exported: many rows over threads, in place, and what they refuse. The mathematics: ops/norm.
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>

#include "support/same_bits.hpp"
#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

TEST(NormCall, WhenRowsAreSpreadOverThreads_GivesEachRowItsOwnBits) {
  const int64_t columns = 100;
  const std::vector<float> x = Random(1).normals(3000 * columns);
  const std::vector<float> weight = Random(2).normals(columns);
  std::vector<float> rms(x.size()), layer(x.size());
  const dmoe_matrix_f32 in = matrix(x, columns);
  const dmoe_output_f32 rms_out = output(rms, columns), layer_out = output(layer, columns);
  ASSERT_EQ(dmoe_rms_norm(&in, weight.data(), 1e-6f, &rms_out), DMOE_OK) << dmoe_last_error();
  ASSERT_EQ(dmoe_layer_norm(&in, weight.data(), nullptr, 1e-6f, &layer_out), DMOE_OK) << dmoe_last_error();
  for (int64_t row : {0, 1, 1777, 2999}) {
    std::vector<float> alone(x.begin() + row * columns, x.begin() + (row + 1) * columns);
    const dmoe_matrix_f32 one = matrix(alone, columns);
    const dmoe_output_f32 same = output(alone, columns);  // in place
    ASSERT_EQ(dmoe_rms_norm(&one, weight.data(), 1e-6f, &same), DMOE_OK) << dmoe_last_error();
    EXPECT_TRUE(same_bits(alone.data(), rms.data() + row * columns, alone.size())) << row;
  }
  double sum = 0, squares = 0;
  for (int64_t c = 0; c < columns; ++c) {
    const double plain = static_cast<double>(layer[static_cast<size_t>(c)]) /
                         static_cast<double>(weight[static_cast<size_t>(c)]);
    sum += plain;
    squares += plain * plain;
  }
  EXPECT_NEAR(sum, 0, 1e-4);
  EXPECT_NEAR(squares, static_cast<double>(columns), 1e-2);
}

TEST(NormCall, WhenTheLevelOfTheEnvironmentChanges_FollowsIt) {
  std::vector<float> x(10, 1.0f), y(10);
  const dmoe_matrix_f32 in = matrix(x, 10);
  const dmoe_output_f32 out = output(y, 10);
  const char* value = std::getenv("DYNAMIC_MOE_ISA");
  const std::string before = value == nullptr ? "" : value;  // "" is the same as none
  ASSERT_EQ(dmoe_rms_norm(&in, nullptr, 0, &out), DMOE_OK) << dmoe_last_error();
  setenv("DYNAMIC_MOE_ISA", "sse9", 1);
  EXPECT_EQ(dmoe_rms_norm(&in, nullptr, 0, &out), DMOE_E_BACKEND);
  setenv("DYNAMIC_MOE_ISA", before.c_str(), 1);
  EXPECT_EQ(dmoe_rms_norm(&in, nullptr, 0, &out), DMOE_OK) << dmoe_last_error();
}

TEST(NormCall, WhenArgumentsAreUnusable_IsRefused) {
  std::vector<float> x(30, 1.0f), y(30, 4.0f);
  const dmoe_matrix_f32 in = matrix(x, 10);
  dmoe_output_f32 out = output(y, 10);
  EXPECT_EQ(dmoe_rms_norm(nullptr, nullptr, 0, &out), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_rms_norm(&in, nullptr, 0, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_rms_norm(&in, nullptr, -1, &out), DMOE_E_OPTIONS);
  EXPECT_EQ(dmoe_layer_norm(&in, nullptr, nullptr, std::numeric_limits<float>::quiet_NaN(), &out),
            DMOE_E_OPTIONS);
  EXPECT_EQ(dmoe_rms_norm(&in, y.data() + 3, 0, &out), DMOE_E_ARGUMENT);
  out.rows = 2;
  EXPECT_EQ(dmoe_rms_norm(&in, nullptr, 0, &out), DMOE_E_SHAPE);
  out.rows = 3;
  out.data = x.data() + 1;  // neither the input itself nor apart from it
  out.rows = 2;
  dmoe_matrix_f32 two = in;
  two.rows = 2;
  EXPECT_EQ(dmoe_rms_norm(&two, nullptr, 0, &out), DMOE_E_ARGUMENT);
  EXPECT_EQ(y, std::vector<float>(30, 4.0f));
}

}  // namespace
}  // namespace dmoe::test
