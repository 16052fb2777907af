// launch_experts.hpp: a grid that covers every tile and no more blocks than there is room for.
#include <gtest/gtest.h>

#include <string_view>

#include "kernels/launch_experts.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

using cuda::ExpertsSide;
using cuda::ExpertsTile;

cuda::ExpertsTask task(int32_t tokens, int32_t experts) {
  static const int32_t offsets = 0;
  cuda::ExpertsTask t{};
  t.kind = DMOE_EXPERT_SWIGLU;
  t.experts = experts;
  t.hidden_size = 2048;
  t.width = 768;
  t.tokens = tokens;
  t.offsets = &offsets;
  return t;
}

TEST(CudaExpertsLaunch, WhenTheLoadGrows_TakesLargerTiles) {
  const auto entry = [](int32_t tokens, int32_t experts) {
    const cuda::ExpertsTask t = task(tokens, experts);
    return std::string_view(
        cuda::experts_launch(DMOE_FORMAT_BF16, ExpertsSide::kUp, t, cuda::most_rows(t, 8), 108).entry);
  };
  EXPECT_EQ(entry(1, 128), "dmoe_up_bf16_small");
  EXPECT_EQ(entry(8, 128), "dmoe_up_bf16_small");
  EXPECT_EQ(entry(9, 128), "dmoe_up_bf16_64");
  EXPECT_EQ(entry(256, 128), "dmoe_up_bf16_64");
  EXPECT_EQ(entry(4096, 128), "dmoe_up_bf16_128");
  EXPECT_EQ(entry(64, 1), "dmoe_up_bf16_64");  // filled, but too few tiles for all multiprocessors
}

TEST(CudaExpertsLaunch, WhenRowsFallAnywhere_CountsAtLeastTheirTiles) {
  Random random(13);
  for (int round = 0; round < 200; ++round) {
    const auto experts = static_cast<int32_t>(1 + random.below(40));
    const int64_t rows = random.below(900);
    std::vector<int64_t> counts(static_cast<size_t>(experts));
    for (int64_t r = 0; r < rows; ++r) ++counts[static_cast<size_t>(random.below(1 + random.below(experts)))];
    const cuda::ExpertsTask t = task(900, experts);
    for (const ExpertsTile tile : {ExpertsTile::kSmallBatch, ExpertsTile::k64, ExpertsTile::k128}) {
      const cuda::ExpertsKernel kernel = cuda::experts_kernel(DMOE_FORMAT_Q8, ExpertsSide::kDown, tile);
      int64_t row_tiles = 0;
      for (const int64_t count : counts) row_tiles += (count + kernel.tile_rows - 1) / kernel.tile_rows;
      const int64_t columns = 64 * kernel.parts_of_panel / kernel.tile_panels;
      const int64_t most = cuda::most_tiles(kernel, ExpertsSide::kDown, t, rows);
      EXPECT_GE(most, row_tiles * columns);
      const cuda::ExpertsLaunch launch =
          cuda::experts_launch(DMOE_FORMAT_Q8, ExpertsSide::kDown, tile, t, rows, 4);
      EXPECT_LE(launch.blocks, 4u * static_cast<uint32_t>(kernel.blocks_per_sm));
      EXPECT_EQ(launch.blocks == 0, rows == 0);
    }
  }
}

TEST(CudaExpertsLaunch, WhenLinear_HasNoUpProduct) {
  cuda::ExpertsTask t = task(5, 4);
  t.kind = DMOE_EXPERT_LINEAR;
  EXPECT_EQ(cuda::experts_launch(DMOE_FORMAT_F32, ExpertsSide::kUp, t, 5, 10).blocks, 0u);
}

TEST(CudaExpertsLaunch, WhenExpertsAreShared_EveryOneHasAllTokens) {
  cuda::ExpertsTask t = task(5, 4);
  EXPECT_EQ(cuda::most_rows(t, 2), 10);
  t.offsets = nullptr;
  EXPECT_EQ(cuda::most_rows(t, 2), 20);
}

}  // namespace
}  // namespace dmoe::test
