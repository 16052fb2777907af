// experts_*.cu: within their stated bounds of double precision, the same bits from every kernel and engine,
// and in f32 the CPU's bits.
#include <gtest/gtest.h>

#include "cuda/kernels/experts_fixture.hpp"
#include "support/cases/expert_cases.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

ExpertsSpec spec(const ExpertShape& shape, int32_t format, int32_t kind) {
  ExpertsSpec s;
  s.format = format;
  s.kind = kind;
  s.hidden = static_cast<int32_t>(shape.hidden);
  s.width = static_cast<int32_t>(kind == DMOE_EXPERT_LINEAR ? shape.hidden : shape.width);
  s.bias = kind % 2 == 0;
  return s;
}

// One expert with all rows, each token once.
ExpertRows one_expert(int64_t count) {
  ExpertRows rows;
  rows.tokens = static_cast<int32_t>(count);
  rows.total = count;
  rows.offsets = {0, static_cast<int32_t>(count)};
  for (int32_t t = 0; t < count; ++t) rows.token_of.push_back(t);
  return rows;
}

const std::vector<ExpertsTile>& tiles_of(int32_t format) {
  static const std::vector<ExpertsTile> floats{ExpertsTile::kSmallBatch,
                                               ExpertsTile::k64};  // k128 is k64's kernel
  static const std::vector<ExpertsTile> others{ExpertsTile::kSmallBatch, ExpertsTile::k64, ExpertsTile::k128};
  return format == DMOE_FORMAT_F32 ? floats : others;
}

// Bounds once, then every kernel and engine bit for bit.
void check(const ExpertsSpec& s, int64_t count, const std::vector<KernelRunner*>& engines,
           const std::vector<ExpertsTile>& tiles) {
  const ExpertsFixture fixture(s);
  const ExpertRows rows = one_expert(count);
  const DeviceRows x = fixture.inputs(rows.tokens);
  DeviceRows first_h, first_y;
  for (KernelRunner* runner : engines) {
    for (const ExpertsTile tile : tiles) {
      DeviceRows h;
      if (s.kind != DMOE_EXPERT_LINEAR) h = fixture.up(*runner, tile, rows, x);
      DeviceRows y = fixture.down(*runner, tile, rows, x, h);
      if (first_y.rows == 0) {
        if (s.kind != DMOE_EXPERT_LINEAR) fixture.expect_up(rows, x, h);
        fixture.expect_down(rows, x, h, y);
        if (testing::Test::HasFatalFailure()) return;
        first_h = std::move(h);
        first_y = std::move(y);
        continue;
      }
      EXPECT_TRUE(same_bits(h.all(), first_h.all())) << runner->name() << " tile " << static_cast<int>(tile);
      EXPECT_TRUE(same_bits(y.all(), first_y.all())) << runner->name() << " tile " << static_cast<int>(tile);
    }
  }
}

const std::vector<KernelRunner*>& first_engine() {
  static const std::vector<KernelRunner*> first{runners().front()};
  return first;
}

void check_format(int32_t format) {
  const std::vector<ExpertsTile>& tiles = tiles_of(format);
  for (const ExpertShape& shape : kExpertShapes) {
    // The engines take their time: long sums on one of them.
    const bool long_sums = shape.hidden > 64;
    if (kFewSizes && shape.hidden != 33) continue;
    check(spec(shape, format, DMOE_EXPERT_SWIGLU), shape.rows, long_sums ? first_engine() : runners(), tiles);
  }
  const ExpertShape& shape = kExpertShapes[2];
  for (int32_t kind = DMOE_EXPERT_GELU; kind <= DMOE_EXPERT_LINEAR; ++kind) {
    if (kFewSizes && kind != DMOE_EXPERT_GELU) continue;
    check(spec(shape, format, kind), shape.rows, runners(), {tiles.front()});
  }
}

TEST(CudaExperts, F32_WhenAnyShapeAndKind_IsWithinItsBound) { check_format(DMOE_FORMAT_F32); }
TEST(CudaExperts, Bf16_WhenAnyShapeAndKind_IsWithinItsBound) { check_format(DMOE_FORMAT_BF16); }
TEST(CudaExperts, Q8_WhenAnyShapeAndKind_IsWithinItsBound) { check_format(DMOE_FORMAT_Q8); }
TEST(CudaExperts, Q4_WhenAnyShapeAndKind_IsWithinItsBound) { check_format(DMOE_FORMAT_Q4); }

// More k than a pipeline has slots, more columns than a tile, more tiles than blocks.
TEST(CudaExperts, WhenSumsAreLong_AreWithinTheirBound) {
  for (const int32_t format : kFormats) {
    if (kFewSizes && format != DMOE_FORMAT_Q4) continue;
    const bool long_up = format == DMOE_FORMAT_F32 || format == DMOE_FORMAT_Q8;
    const ExpertShape& shape = kLongExpertShapes[long_up ? 0 : 1];
    check(spec(shape, format, DMOE_EXPERT_SWIGLU), long_up ? shape.rows : 3, first_engine(),
          {long_up ? ExpertsTile::k64 : ExpertsTile::kSmallBatch});
  }
}

// x = 1: each sum is exact, and as large as 8- and 4-bit values make it.
TEST(CudaExperts, WhenEveryWeightIsLargest_SumsExactly) {
  const std::pair<int32_t, float> cases[] = {
      {DMOE_FORMAT_Q8, 127.0f}, {DMOE_FORMAT_Q8, -127.0f}, {DMOE_FORMAT_Q4, -8.0f}};
  std::vector<float> ones(128, 1.0f);
  std::fill(ones.begin() + 64, ones.end(), -1.0f);
  for (const auto& [format, weight] : cases) {
    ExpertsSpec s = spec({64, 64, 2}, format, DMOE_EXPERT_LINEAR);
    s.constant = weight;
    s.bias = false;
    const ExpertsFixture fixture(s);
    const ExpertRows rows = one_expert(2);
    const DeviceRows x = fixture.inputs(ones);
    for (KernelRunner* runner : runners()) {
      for (const ExpertsTile tile : tiles_of(format)) {
        const DeviceRows y = fixture.down(*runner, tile, rows, x, {});
        EXPECT_EQ(y.row(0), std::vector<float>(64, 64 * weight)) << runner->name();
        EXPECT_EQ(y.row(1), std::vector<float>(64, -64 * weight)) << runner->name();
      }
    }
  }
}

}  // namespace
}  // namespace dmoe::test
