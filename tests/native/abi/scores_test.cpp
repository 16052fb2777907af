#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/router_api.hpp"

namespace dmoe::test {
namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Scores, Norms_OfKnownRows_AreExact) {
  const std::vector<float> rows = {3, 4, 0, 0, -5, 12};
  const auto m = matrix(rows, 3, 2);
  float out[3];
  ASSERT_EQ(dmoe_score_l2_norm(&m, out), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(out[0], 5.0f);
  EXPECT_EQ(out[1], 0.0f);
  EXPECT_EQ(out[2], 13.0f);
}

TEST(Scores, Norm_WhenItExceedsFloat_SaysSo) {
  const std::vector<float> rows = {1, 1, 3e38f, 3e38f};
  const auto m = matrix(rows, 2, 2);
  float out[2];
  EXPECT_EQ(dmoe_score_l2_norm(&m, out), DMOE_E_OVERFLOW);
  EXPECT_STREQ(dmoe_last_error(), "score_l2_norm: the norm of row 1 exceeds the range of float32");
}

TEST(Scores, Entropy_AtItsEnds_IsZeroAndOne) {
  const std::vector<float> rows = {1, 1, 1, 1, 900, 0, 0, 0};
  const auto m = matrix(rows, 2, 4);
  float out[2];
  ASSERT_EQ(dmoe_score_softmax_entropy(&m, 1.0f, out), DMOE_OK);
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], 0.0f);
  ASSERT_EQ(dmoe_score_softmax_margin(&m, out), DMOE_OK);
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], 0.0f);
  const auto one = matrix(rows, 2, 1);
  ASSERT_EQ(dmoe_score_softmax_entropy(&one, 1.0f, out), DMOE_OK);
  EXPECT_EQ(out[0], 0.0f);
  ASSERT_EQ(dmoe_score_softmax_margin(&one, out), DMOE_OK);
  EXPECT_EQ(out[0], 0.0f);
}

TEST(Scores, Entropy_WhenHotter_Rises) {
  const std::vector<float> row = {2, 1, 0, -1};
  const auto m = matrix(row, 1, 4);
  float last = -1;
  for (float temperature : {0.1f, 0.5f, 1.0f, 4.0f, 100.0f}) {
    float score;
    ASSERT_EQ(dmoe_score_softmax_entropy(&m, temperature, &score), DMOE_OK);
    EXPECT_GT(score, last);
    last = score;
  }
  EXPECT_LE(last, 1.0f);
}

TEST(Scores, Attention_OverHeads_IsAggregated) {
  // Token 0: a flat head and a one-hot head over the two visible keys. Token 1 sees one key.
  const std::vector<float> rows = {0.5f, 0.5f, 1, 0, 1, 0, 1, 0};
  const auto m = matrix(rows, 4, 2);
  const int32_t visible[] = {2, 1};
  float out[2];
  const float expected[] = {0.5f, 1.0f, 0.0f};
  for (int32_t aggregation : {DMOE_HEADS_MEAN, DMOE_HEADS_MAX, DMOE_HEADS_MIN}) {
    ASSERT_EQ(dmoe_score_attention_entropy(&m, 2, visible, 1.0f, 0.0f, aggregation, out), DMOE_OK)
        << dmoe_last_error();
    EXPECT_NEAR(out[0], expected[aggregation], 1e-6);
    EXPECT_EQ(out[1], 0.0f);
  }
}

TEST(Scores, Input_WhenItIsNotUsable_IsRefusedUntouched) {
  std::vector<float> rows = {1, 2, kNan, 4};
  const auto m = matrix(rows, 2, 2);
  float out[2] = {-7, -7};
  EXPECT_EQ(dmoe_score_l2_norm(&m, out), DMOE_E_NOT_FINITE);
  EXPECT_STREQ(dmoe_last_error(), "score_l2_norm: row 1 holds nan at column 0");
  EXPECT_EQ(dmoe_score_softmax_entropy(&m, 1.0f, out), DMOE_E_NOT_FINITE);
  EXPECT_EQ(dmoe_score_softmax_margin(&m, out), DMOE_E_NOT_FINITE);
  EXPECT_EQ(dmoe_score_attention_entropy(&m, 1, nullptr, 1, 0, 0, out), DMOE_E_NOT_FINITE);
  rows[2] = 3;
  EXPECT_EQ(dmoe_score_softmax_entropy(&m, 0.0f, out), DMOE_E_OPTIONS);
  EXPECT_STREQ(dmoe_last_error(), "score_softmax_entropy: temperature is 0, must be finite and > 0");
  EXPECT_EQ(dmoe_score_softmax_entropy(&m, kNan, out), DMOE_E_OPTIONS);
  EXPECT_EQ(dmoe_score_attention_entropy(&m, 3, nullptr, 1, 0, 0, out), DMOE_E_SHAPE);
  EXPECT_EQ(dmoe_score_attention_entropy(&m, 0, nullptr, 1, 0, 0, out), DMOE_E_OPTIONS);
  EXPECT_EQ(dmoe_score_attention_entropy(&m, 1, nullptr, 1, -1, 0, out), DMOE_E_OPTIONS);
  EXPECT_EQ(dmoe_score_attention_entropy(&m, 1, nullptr, 1, 0, 3, out), DMOE_E_OPTIONS);
  const int32_t visible[] = {2, 3};
  EXPECT_EQ(dmoe_score_attention_entropy(&m, 1, visible, 1, 0, 0, out), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "score_attention_entropy: visible[1] is 3, must be within 0..2");
  rows[1] = -1;
  EXPECT_EQ(dmoe_score_attention_entropy(&m, 1, nullptr, 1, 0, 0, out), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_score_l2_norm(&m, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_score_l2_norm(nullptr, out), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_score_l2_norm(&m, rows.data()), DMOE_E_ARGUMENT);
  EXPECT_EQ(out[0], -7.0f);
  EXPECT_EQ(out[1], -7.0f);
}

}  // namespace
}  // namespace dmoe::test
