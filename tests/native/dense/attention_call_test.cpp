// attention as exported: grouped heads, decoding against prefill, thread counts, and what it refuses.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "dynamicmoe/dynamicmoe.h"
#include "support/numbers.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

struct Sequence {
  dmoe_attention_params params{};
  std::vector<float> query, keys, values, output, entropy;

  explicit Sequence(int64_t queries = 70, int64_t first = 90) {
    params.struct_size = sizeof params;
    params.query_heads = 6;
    params.kv_heads = 2;
    params.head_dim = 24;
    params.scale = 0.2f;
    params.queries = queries;
    params.first_position = first;
    params.cache_stride = 50;  // two more than a position needs
    Random random(5);
    query = random.normals(queries * 144);
    keys = random.normals((first + queries) * 50);
    values = random.normals((first + queries) * 50);
    output.assign(query.size(), 8.0f);
    entropy.assign(static_cast<size_t>(queries * 6), 8.0f);
    point();
  }
  void point() {
    params.query = query.data();
    params.keys = keys.data();
    params.values = values.data();
    params.output = output.data();
    params.entropy = entropy.data();
  }
};

TEST(AttentionCall, WhenHeadsAreGrouped_EachReadsItsOwnKeysAndValues) {
  Sequence s;
  ASSERT_EQ(dmoe_attention(&s.params), DMOE_OK) << dmoe_last_error();
  for (int64_t q : {0, 37, 69}) {
    for (int64_t head = 0; head < 6; ++head) {
      const int64_t kv = head / 3 * 24;
      std::vector<double> p;
      double sum = 0;
      for (int64_t j = 0; j <= 90 + q; ++j) {
        double dot = 0;
        for (int64_t d = 0; d < 24; ++d) {
          dot += static_cast<double>(s.query[static_cast<size_t>(q * 144 + head * 24 + d)]) *
                 static_cast<double>(s.keys[static_cast<size_t>(j * 50 + kv + d)]);
        }
        p.push_back(std::exp(dot * static_cast<double>(0.2f)));
        sum += p.back();
      }
      for (int64_t d = 0; d < 24; ++d) {
        double exact = 0;
        for (size_t j = 0; j < p.size(); ++j) {
          exact += p[j] / sum * static_cast<double>(s.values[j * 50 + static_cast<size_t>(kv + d)]);
        }
        ASSERT_NEAR(static_cast<double>(s.output[static_cast<size_t>(q * 144 + head * 24 + d)]), exact, 2e-5)
            << "query " << q << " head " << head;
      }
    }
  }
}

TEST(AttentionCall, WhenDecodedOneByOne_GivesTheBitsOfPrefillAtAnyThreadCount) {
  for (int32_t window : {0, 33}) {
    Sequence s;
    s.params.window = window;
    ASSERT_EQ(dmoe_attention(&s.params), DMOE_OK) << dmoe_last_error();
    for (int32_t threads : {1, 2, 8}) {
      Sequence one;
      one.params.window = window;
      one.params.threads = threads;
      one.params.queries = 1;
      for (int64_t q = 0; q < 70; ++q) {
        one.params.first_position = 90 + q;
        one.params.query = one.query.data() + q * 144;
        one.params.output = one.output.data() + q * 144;
        one.params.entropy = one.entropy.data() + q * 6;
        ASSERT_EQ(dmoe_attention(&one.params), DMOE_OK) << dmoe_last_error();
      }
      EXPECT_TRUE(same_bits(one.output, s.output)) << threads << " threads, window " << window;
      EXPECT_TRUE(same_bits(one.entropy, s.entropy)) << threads << " threads, window " << window;
    }
  }
}

TEST(AttentionCall, WhenParametersAreUnusable_IsRefused) {
  Sequence s(4, 3);
  const auto status = [&](auto change) {
    dmoe_attention_params p = s.params;
    change(p);
    return dmoe_attention(&p);
  };
  EXPECT_EQ(dmoe_attention(nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(status([](auto& p) { p.query_heads = 5; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& p) { p.kv_heads = 0; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& p) { p.head_dim = 1025; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& p) { p.window = -1; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& p) { p.scale = 0; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& p) { p.scale = std::numeric_limits<float>::quiet_NaN(); }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& p) { p.isa = 77; }), DMOE_E_OPTIONS);
  EXPECT_EQ(status([](auto& p) { p.queries = -1; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto& p) { p.first_position = -1; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto& p) { p.cache_stride = 47; }), DMOE_E_SHAPE);
  EXPECT_EQ(status([](auto& p) { p.keys = nullptr; }), DMOE_E_ARGUMENT);
  EXPECT_EQ(status([&](auto& p) { p.output = s.values.data(); }), DMOE_E_ARGUMENT);
  EXPECT_EQ(s.output, std::vector<float>(s.query.size(), 8.0f));
  s.params.queries = 0;
  EXPECT_EQ(dmoe_attention(&s.params), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(s.output, std::vector<float>(s.query.size(), 8.0f));
}

}  // namespace
}  // namespace dmoe::test
