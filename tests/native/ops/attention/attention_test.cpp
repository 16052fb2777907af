// attention: every kernel against double precision within the bound of attention.hpp; decoding equals
// prefill.
#include "ops/attention/attention.hpp"

#include <gtest/gtest.h>

#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

struct Case {
  int64_t head_dim;
  int64_t position;  // of the first query
  int64_t queries;
  int64_t window;
};
const Case kCases[] = {{1, 0, 1, 0},      {16, 0, 5, 0},  {20, 60, 10, 0},  {64, 63, 16, 0}, {64, 130, 3, 7},
                       {80, 200, 16, 64}, {72, 5, 16, 1}, {128, 300, 1, 0}, {33, 126, 4, 65}};

struct Result {
  std::vector<float> output;
  std::vector<float> entropy;
};

// How far ln L - A / L may be from the entropy H of the exact weights, in nats. Weights off by at most
// `factor`, relatively, move H by (p' - p) ln p, within factor * H, and by the divergence of p' from p,
// within factor^2. The terms of A take exp's 2^-19 once more, and |A| / L <= H; both sums have at most 2 n +
// 64 roundings, ln L <= ln n.
double entropy_error(double factor, double entropy, double most, int64_t n) {
  return factor * (entropy + factor) + 0x1p-19 + gamma(2 * n + 64) * (entropy + most + 1);
}

struct AttentionCase {
  Case shape;
  float scale;
  std::vector<float> query, keys, values;

  AttentionCase(Random& random, const Case& c)
      : shape(c),
        scale(1.0f / std::sqrt(static_cast<float>(c.head_dim))),
        query(random.normals(c.queries * c.head_dim)),
        keys(random.normals((c.position + c.queries) * c.head_dim)),
        values(random.normals((c.position + c.queries) * c.head_dim)) {}

  Result run(attention_kernel* kernel, int64_t first, int64_t count) const {
    Result r{std::vector<float>(static_cast<size_t>(count * shape.head_dim), 7.0f),
             std::vector<float>(static_cast<size_t>(count), 7.0f)};
    kernel({query.data() + first * shape.head_dim, keys.data(), values.data(), r.output.data(),
            r.entropy.data(), shape.head_dim, shape.head_dim, 1, count, shape.position + first, shape.window,
            shape.head_dim, scale});
    return r;
  }

  void expect_close(const Result& actual, const std::string& name) const {
    for (int64_t i = 0; i < shape.queries; ++i) {
      const int64_t last = shape.position + i;
      const int64_t oldest = shape.window == 0 ? 0 : std::max<int64_t>(0, last - shape.window + 1);
      const int64_t n = last - oldest + 1;
      std::vector<double> p(static_cast<size_t>(n));
      double largest = -1e300, error = 0, sum = 0, largest_value = 0;
      for (int64_t j = 0; j < n; ++j) {
        double s = 0, magnitude = 0;
        for (int64_t d = 0; d < shape.head_dim; ++d) {
          const double term =
              static_cast<double>(query[static_cast<size_t>(i * shape.head_dim + d)]) *
              static_cast<double>(keys[static_cast<size_t>((oldest + j) * shape.head_dim + d)]);
          s += term;
          magnitude += std::abs(term);
        }
        p[static_cast<size_t>(j)] = s * static_cast<double>(scale);
        largest = std::max(largest, p[static_cast<size_t>(j)]);
        error = std::max(error, static_cast<double>(scale) * gamma(shape.head_dim / 16 + 8) * magnitude);
      }
      for (double& v : p) sum += v = std::exp(v - largest);
      double entropy = 0;
      for (double& v : p) {
        v /= sum;
        if (v > 0) entropy -= v * std::log(v);
      }
      const double factor = std::exp(2 * error) * (1 + 0x1p-19 + gamma(2 * n + 64)) - 1;
      for (int64_t d = 0; d < shape.head_dim; ++d) {
        double exact = 0, magnitude = 0;
        for (int64_t j = 0; j < n; ++j) {
          const double v =
              static_cast<double>(values[static_cast<size_t>((oldest + j) * shape.head_dim + d)]);
          exact += p[static_cast<size_t>(j)] * v;
          magnitude += p[static_cast<size_t>(j)] * std::abs(v);
          largest_value = std::max(largest_value, std::abs(v));
        }
        const double got = static_cast<double>(actual.output[static_cast<size_t>(i * shape.head_dim + d)]);
        ASSERT_LE(std::abs(got - exact),
                  factor * magnitude + static_cast<double>(n) * 0x1p-125 * largest_value)
            << name << " query " << i << " column " << d;
      }
      const double most = std::log(static_cast<double>(n));
      const double expected = n > 1 ? entropy / most : 0;
      const double bound = n > 1 ? entropy_error(factor, entropy, most, n) / most : 0;
      ASSERT_LE(std::abs(static_cast<double>(actual.entropy[static_cast<size_t>(i)]) - expected), bound)
          << name << " query " << i;
    }
  }
};

TEST(Attention, WhenAnyShape_IsWithinItsBoundAndTheSameAtEveryLevel) {
  const auto lines = kernel_lines<attention_kernel>("attention");
  ASSERT_FALSE(lines.empty());
  Random random(10);
  for (const Case& shape : kCases) {
    const AttentionCase c(random, shape);
    const Result portable = c.run(lines.back().run, 0, shape.queries);
    for (const auto& line : lines) {
      const Result r = c.run(line.run, 0, shape.queries);
      c.expect_close(r, line.name);
      EXPECT_TRUE(same_bits(r.output, portable.output)) << line.name;
      EXPECT_TRUE(same_bits(r.entropy, portable.entropy)) << line.name;
    }
  }
}

TEST(Attention, WhenQueriesComeOneByOne_GivesTheBitsOfOneCall) {
  Random random(12);
  for (const Case& shape : kCases) {
    const AttentionCase c(random, shape);
    for (const auto& line : kernel_lines<attention_kernel>("attention")) {
      const Result whole = c.run(line.run, 0, shape.queries);
      for (int64_t i = 0; i < shape.queries; ++i) {
        const Result one = c.run(line.run, i, 1);
        EXPECT_TRUE(same_bits(one.output.data(), whole.output.data() + i * shape.head_dim, one.output.size()))
            << line.name << " query " << i;
        EXPECT_TRUE(same_bits(one.entropy[0], whole.entropy[static_cast<size_t>(i)]))
            << line.name << " query " << i;
      }
    }
  }
}

}  // namespace
}  // namespace dmoe::test
