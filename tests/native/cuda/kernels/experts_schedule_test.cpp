// experts_*.cu where one block makes all tiles and its warps run apart: what is left of a tile in shared
// memory, and what is there too early, must not be read.
#include <gtest/gtest.h>

#include "cuda/kernels/experts_fixture.hpp"

namespace dmoe::test {
namespace {

// An expert with a whole tile and more, one with a few rows, and one with rows in the second half of a tile:
// each tile's copies would fall on what slower warps have staged of the tile before.
void expect_close_in_one_block(int32_t format, ExpertsTile tile) {
  ExpertsSpec spec;
  spec.format = format;
  spec.hidden = 24;
  spec.width = 40;
  spec.experts = 3;
  const ExpertsFixture f(spec);
  Random random(21);
  const ExpertRows rows = ExpertRows::of({70, 5, 66}, 30, random);
  const DeviceRows x = f.inputs(rows.tokens);
  for (KernelRunner* runner : runners()) {
    SCOPED_TRACE(runner->name());
    DeviceRows h;
    // Seeds follow each other, even ones and odd ones are different schedules: each product under both.
    for (int twice = 0; twice < 2; ++twice) {
      h = f.up(*runner, tile, rows, x, 1);
      f.expect_up(rows, x, h);
    }
    for (int twice = 0; twice < 2; ++twice) f.expect_down(rows, x, h, f.down(*runner, tile, rows, x, h, 1));
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(CudaExpertsSchedule, F32) { expect_close_in_one_block(DMOE_FORMAT_F32, ExpertsTile::k64); }
TEST(CudaExpertsSchedule, Bf16_64) { expect_close_in_one_block(DMOE_FORMAT_BF16, ExpertsTile::k64); }
TEST(CudaExpertsSchedule, Bf16_128) { expect_close_in_one_block(DMOE_FORMAT_BF16, ExpertsTile::k128); }
TEST(CudaExpertsSchedule, Q8_64) { expect_close_in_one_block(DMOE_FORMAT_Q8, ExpertsTile::k64); }
TEST(CudaExpertsSchedule, Q8_128) { expect_close_in_one_block(DMOE_FORMAT_Q8, ExpertsTile::k128); }
TEST(CudaExpertsSchedule, Q4_64) { expect_close_in_one_block(DMOE_FORMAT_Q4, ExpertsTile::k64); }
TEST(CudaExpertsSchedule, Q4_128) { expect_close_in_one_block(DMOE_FORMAT_Q4, ExpertsTile::k128); }

}  // namespace
}  // namespace dmoe::test
