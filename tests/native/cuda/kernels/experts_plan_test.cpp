// experts_*.cu over a plan: experts without rows, more experts than a warp has lanes, more tiles than blocks;
// a row depends on itself.
#include <gtest/gtest.h>

#include <limits>

#include "cuda/kernels/experts_fixture.hpp"
#include "support/cases/expert_cases.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

struct Outputs {
  DeviceRows h, y;
};
Outputs run(const ExpertsFixture& f, KernelRunner& runner, ExpertsTile tile, const ExpertRows& rows,
            const DeviceRows& x, uint32_t blocks = 0) {
  Outputs out;
  if (f.spec().kind != DMOE_EXPERT_LINEAR) out.h = f.up(runner, tile, rows, x, blocks);
  out.y = f.down(runner, tile, rows, x, out.h, blocks);
  return out;
}
void expect_close(const ExpertsFixture& f, const ExpertRows& rows, const DeviceRows& x, const Outputs& out) {
  if (f.spec().kind != DMOE_EXPERT_LINEAR) f.expect_up(rows, x, out.h);
  f.expect_down(rows, x, out.h, out.y);
}

ExpertsSpec spec(int32_t format, int32_t hidden, int32_t width, int32_t experts) {
  ExpertsSpec s;
  s.format = format;
  s.hidden = hidden;
  s.width = width;
  s.experts = experts;
  return s;
}

std::vector<int32_t> random_counts(int32_t experts, int64_t routes, Random& random) {
  std::vector<int32_t> counts(static_cast<size_t>(experts));
  for (int64_t r = 0; r < routes; ++r) ++counts[static_cast<size_t>(random.below(experts))];
  return counts;
}

TEST(CudaExpertsPlan, WhenRoutesFallAnywhere_IsWithinItsBoundOnEveryGrid) {
  Random random(5);
  for (const RoutedShape& shape : kRoutedShapes) {
    if (kFewSizes && shape.experts != 3) continue;
    for (const int32_t format : kFormats) {
      if ((shape.experts + format) % 2 != 0 && shape.experts > 3) continue;  // two formats each will do
      const ExpertsFixture f(spec(format, shape.hidden, shape.width, shape.experts));
      for (const int32_t tokens : {1, 9}) {
        const ExpertRows rows =
            ExpertRows::of(random_counts(shape.experts, tokens * shape.k, random), tokens, random);
        const DeviceRows x = f.inputs(tokens);
        const bool small =
            tokens == 1 || shape.experts > 10;  // the engines take their time with tiles of a row or two
        const ExpertsTile tile = small ? ExpertsTile::kSmallBatch : ExpertsTile::k64;
        Outputs first;
        for (KernelRunner* runner : runners()) {
          if (runner != runners().front() && (tokens == 1 || shape.experts > 10))
            continue;  // one engine will do
          Outputs out = run(f, *runner, tile, rows, x);
          if (first.y.rows == 0) {
            expect_close(f, rows, x, out);
            ASSERT_FALSE(HasFatalFailure()) << runner->name();
            if (format == DMOE_FORMAT_Q8) {
              EXPECT_TRUE(same_bits(run(f, *runner, tile, rows, x, 1).y.all(), out.y.all())) << "one block";
              EXPECT_TRUE(same_bits(run(f, *runner, tile, rows, x, 7).y.all(), out.y.all()))
                  << "seven blocks";
            }
            first = std::move(out);
          } else {
            EXPECT_TRUE(same_bits(out.y.all(), first.y.all())) << runner->name();
          }
        }
      }
    }
  }
}

// Tile edges: one row less and more than a tile of each kernel; nothing before, between or after.
TEST(CudaExpertsPlan, WhenExpertsHaveATileMoreOrLess_IsWithinItsBound) {
  Random random(6);
  KernelRunner& runner = *runners().front();
  for (const int32_t format : kFormats) {
    const ExpertsFixture f(spec(format, 24, 40, 6));
    const std::vector<int32_t> counts[] = {{0, 9, 8, 7, 0, 0}, {0, 65, 64, 0, 63, 0}, {129, 0, 0, 127, 0, 1}};
    for (size_t i = 0; i < std::size(counts); ++i) {
      const ExpertRows rows = ExpertRows::of(counts[i], 40, random);
      const DeviceRows x = f.inputs(rows.tokens);
      const Outputs out = run(f, runner, kTileSizes[i], rows, x);
      expect_close(f, rows, x, out);
      ASSERT_FALSE(HasFatalFailure()) << "case " << i;
    }
  }
}

TEST(CudaExpertsPlan, WhenOneExpertHasAllRowsAmongMany_FindsIt) {
  Random random(7);
  for (const int32_t last : {0, 31, 32, 69}) {
    if (kFewSizes && last % 31 == 0) continue;
    std::vector<int32_t> counts(70);
    counts[static_cast<size_t>(last)] = 17;
    const ExpertsFixture f(spec(DMOE_FORMAT_Q4, 8, 8, 70));
    const ExpertRows rows = ExpertRows::of(counts, 17, random);
    const DeviceRows x = f.inputs(rows.tokens);
    for (KernelRunner* runner : runners())
      expect_close(f, rows, x, run(f, *runner, ExpertsTile::k64, rows, x));
  }
}

TEST(CudaExpertsPlan, WhenNobodyHasRows_WritesNothing) {
  const ExpertsFixture f(spec(DMOE_FORMAT_BF16, 8, 8, 3));
  Random random(8);
  const ExpertRows rows = ExpertRows::of({0, 0, 0}, 4, random);
  const DeviceRows x = f.inputs(rows.tokens);
  for (KernelRunner* runner : runners()) {
    for (const ExpertsTile tile : kTileSizes) EXPECT_EQ(f.up(*runner, tile, rows, x, 2).rows, 0);
  }
}

TEST(CudaExpertsPlan, WhenExpertsAreShared_EveryOneTakesAllTokens) {
  for (const int32_t format : kFormats) {
    ExpertsSpec s = spec(format, 40, 40, 3);
    // LINEAR gathers rows for its only product, SwiGLU for the first of two.
    s.kind = format % 2 == 0 ? DMOE_EXPERT_LINEAR : DMOE_EXPERT_SWIGLU;
    const ExpertsFixture f(s);
    for (const int32_t tokens : {3, 11}) {
      const ExpertRows rows = ExpertRows::shared(3, tokens);
      const DeviceRows x = f.inputs(tokens);
      for (KernelRunner* runner : runners()) {
        const ExpertsTile tile = tokens > cuda::kSmallBatchRows ? ExpertsTile::k64 : ExpertsTile::kSmallBatch;
        expect_close(f, rows, x, run(f, *runner, tile, rows, x));
        ASSERT_FALSE(HasFatalFailure()) << runner->name();
      }
    }
  }
}

// Rows 0..T-1 of a batch alone, by the kernel that suits them, against all of them at once.
TEST(CudaExpertsPlan, WhenTheBatchGrows_RowsKeepTheirBits) {
  for (const int32_t format : kFormats) {
    const ExpertsFixture f(spec(format, 50, 35, 1));
    const DeviceRows x = f.inputs(9);
    const auto rows_of = [](int32_t count) {
      ExpertRows rows;
      rows.tokens = count;
      rows.total = count;
      rows.offsets = {0, count};
      for (int32_t t = 0; t < count; ++t) rows.token_of.push_back(t);
      return rows;
    };
    KernelRunner& runner = *runners().front();
    const ExpertRows all = rows_of(9);
    const Outputs whole = run(f, runner, ExpertsTile::k64, all, x);
    for (int32_t count = 1; count <= 9; ++count) {
      const ExpertRows rows = rows_of(count);
      const Outputs part = run(
          f, runner, count <= cuda::kSmallBatchRows ? ExpertsTile::kSmallBatch : ExpertsTile::k128, rows, x);
      for (int64_t r = 0; r < count; ++r)
        EXPECT_TRUE(same_bits(part.y.row(r), whole.y.row(r))) << "row " << r << " of " << count;
    }
  }
}

TEST(CudaExpertsPlan, WhenATokenIsNotFinite_OnlyItsRowsAre) {
  constexpr int32_t kTokens = 6;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const int32_t format : kFormats) {
      if (kFewSizes && (std::isnan(bad) || format % 2 == 0)) continue;
      const ExpertsFixture f(spec(format, 33, 20, 2));
      Random random(9);
      ExpertRows rows = ExpertRows::of({5, 4}, kTokens, random);
      rows.token_of = {0, 3, 1, 2, 4, 3, 5, 0, 2};
      std::vector<float> values = random.normals(kTokens * 33);
      const DeviceRows good = f.inputs(values);
      values[3 * 33 + 7] = bad;
      const DeviceRows x = f.inputs(values);
      for (KernelRunner* runner : runners()) {
        for (const ExpertsTile tile : {ExpertsTile::kSmallBatch, ExpertsTile::k64}) {
          const Outputs out = run(f, *runner, tile, rows, x);
          const Outputs expected = run(f, *runner, tile, rows, good);
          for (int64_t r = 0; r < rows.total; ++r) {
            if (rows.token(r) == 3) {
              EXPECT_FALSE(std::isfinite(out.y.at(r, 0))) << "row " << r;
            } else {
              EXPECT_TRUE(same_bits(out.y.row(r), expected.y.row(r))) << runner->name() << " row " << r;
            }
          }
        }
      }
    }
  }
}

TEST(CudaExpertsPlan, WhenSumsAreHuge_AreWithinTheirBound) {
  for (const int32_t format : kFormats) {
    ExpertsSpec s = spec(format, 40, 40, 1);
    s.kind = DMOE_EXPERT_LINEAR;
    s.scale = 1e5f;
    const ExpertsFixture f(s);
    const ExpertRows rows = ExpertRows::shared(1, 3);
    std::vector<float> values = Random(10).normals(3 * 40, 1e31f);
    const DeviceRows x = f.inputs(values);
    for (const ExpertsTile tile : {ExpertsTile::kSmallBatch, ExpertsTile::k64}) {
      expect_close(f, rows, x, run(f, *runners().front(), tile, rows, x));
    }
  }
}

TEST(CudaExpertsPlan, F32_WhenRowsSuitNoVector_ReadsThemAllTheSame) {
  const ExpertsFixture f(spec(DMOE_FORMAT_F32, 37, 20, 2));
  Random random(11);
  const ExpertRows rows = ExpertRows::of({3, 12}, 5, random);
  const std::vector<float> values = random.normals(5 * 37);
  for (KernelRunner* runner : runners()) {
    for (const ExpertsTile tile : {ExpertsTile::kSmallBatch, ExpertsTile::k64}) {
      const Outputs aligned = run(f, *runner, tile, rows, f.inputs(values));
      const Outputs unaligned = run(f, *runner, tile, rows, f.inputs(values, true));
      EXPECT_TRUE(same_bits(unaligned.y.all(), aligned.y.all())) << runner->name();
    }
  }
}

}  // namespace
}  // namespace dmoe::test
