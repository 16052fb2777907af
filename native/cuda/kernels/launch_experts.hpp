// Which kernel of the experts runs for a task, and on what grid: for the host code and the tests. Any of them
// gives the same bits, so this is a matter of speed alone.
#ifndef DYNAMICMOE_CUDA_KERNELS_LAUNCH_EXPERTS_HPP_
#define DYNAMICMOE_CUDA_KERNELS_LAUNCH_EXPERTS_HPP_

#include <algorithm>
#include <cstdint>

#include "dynamicmoe/dynamicmoe.h"
#include "kernels/tasks.hpp"
#include "kernels/weights.hpp"

namespace dmoe::cuda {

/** One launch: grid (blocks, 1, 1), block (threads, 1, 1), no dynamic shared memory. blocks = 0: there is
 * nothing to do. */
struct ExpertsLaunch {
  const char* entry;
  uint32_t blocks;
  uint32_t threads;
};

enum class ExpertsSide { kUp, kDown };
enum class ExpertsTile { kSmallBatch, k64, k128 };  // f32 has one kernel for the latter two

/** An expert has at most this many rows where the small-batch kernels read each weight once. */
constexpr int32_t kSmallBatchRows = 8;

struct ExpertsKernel {
  const char* entry;
  int32_t threads;
  int32_t blocks_per_sm;  // that registers and shared memory leave room for
  int32_t tile_rows;
  int32_t tile_panels;     // side by side in a tile
  int32_t parts_of_panel;  // that a panel is cut into
  int32_t tiles_at_once;   // of a block
};

constexpr ExpertsKernel experts_kernel(int32_t format, ExpertsSide side, ExpertsTile tile) {
#define DMOE_SIDES(name) side == ExpertsSide::kUp ? "dmoe_up_" name : "dmoe_down_" name
  const bool small = tile == ExpertsTile::kSmallBatch, large = tile == ExpertsTile::k128;
  switch (format) {
    case DMOE_FORMAT_F32:
      if (small) return {DMOE_SIDES("f32_small"), 128, 4, kSmallBatchRows, 1, 1, 4};
      return {DMOE_SIDES("f32"), 256, 2, 64, 4, 1, 1};
    case DMOE_FORMAT_BF16:
      if (small) return {DMOE_SIDES("bf16_small"), 128, 3, kSmallBatchRows, 1, 2, 4};
      if (large) return {DMOE_SIDES("bf16_128"), 256, 2, 128, 4, 1, 1};
      return {DMOE_SIDES("bf16_64"), 128, 4, 64, 2, 1, 1};
    case DMOE_FORMAT_Q8:
      if (small) return {DMOE_SIDES("q8_small"), 128, 4, kSmallBatchRows, 1, 2, 4};
      if (large) return {DMOE_SIDES("q8_128"), 256, 2, 128, 4, 1, 1};
      return {DMOE_SIDES("q8_64"), 128, 4, 64, 2, 1, 1};
    default:
      if (small) return {DMOE_SIDES("q4_small"), 128, 4, kSmallBatchRows, 1, 1, 4};
      if (large) return {DMOE_SIDES("q4_128"), 256, 2, 128, 4, 1, 1};
      return {DMOE_SIDES("q4_64"), 128, 4, 64, 2, 1, 1};
  }
#undef DMOE_SIDES
}

/** The most rows that a task can have. With a plan: `slots` per token. */
constexpr int64_t most_rows(const ExpertsTask& task, int32_t slots) {
  return int64_t{task.tokens} * (task.offsets == nullptr ? task.experts : slots);
}

/** Most tiles of a task with at most `rows` rows: an expert more for each that has rows. */
constexpr int64_t most_tiles(const ExpertsKernel& kernel, ExpertsSide side, const ExpertsTask& task,
                             int64_t rows) {
  const int64_t panels =
      side == ExpertsSide::kUp ? up_panels(task.kind, task.width) : down_panels(task.hidden_size);
  const int64_t columns = (panels * kernel.parts_of_panel + kernel.tile_panels - 1) / kernel.tile_panels;
  const int64_t active = std::min<int64_t>(task.experts, rows);
  return (active + (rows - active) / kernel.tile_rows) * columns;
}

constexpr ExpertsLaunch experts_launch(int32_t format, ExpertsSide side, ExpertsTile tile,
                                       const ExpertsTask& task, int64_t rows, int32_t sms) {
  const ExpertsKernel kernel = experts_kernel(format, side, tile);
  const int64_t tiles = most_tiles(kernel, side, task, rows);
  const int64_t blocks = (tiles + kernel.tiles_at_once - 1) / kernel.tiles_at_once;
  return {kernel.entry, static_cast<uint32_t>(std::min(blocks, int64_t{sms} * kernel.blocks_per_sm)),
          static_cast<uint32_t>(kernel.threads)};
}

/** The tile for a load: large ones where experts have rows to fill them and there are enough for all
 * multiprocessors. */
constexpr ExpertsTile experts_tile(int32_t format, ExpertsSide side, const ExpertsTask& task, int64_t rows,
                                   int32_t sms) {
  if (task.tokens <= kSmallBatchRows) return ExpertsTile::kSmallBatch;
  const bool filled = rows >= int64_t{task.experts} * 96;
  const int64_t tiles = most_tiles(experts_kernel(format, side, ExpertsTile::k128), side, task, rows);
  return filled && tiles >= sms ? ExpertsTile::k128 : ExpertsTile::k64;
}

/** The launch of one product. `rows`: most_rows() or fewer where the caller knows. `sms`: multiprocessors of
 * the device. LINEAR experts have no up product: blocks = 0. */
constexpr ExpertsLaunch experts_launch(int32_t format, ExpertsSide side, const ExpertsTask& task,
                                       int64_t rows, int32_t sms) {
  return experts_launch(format, side, experts_tile(format, side, task, rows, sms), task, rows, sms);
}

/** round.cu on at most 8 blocks per multiprocessor. */
constexpr ExpertsLaunch round_launch(const RoundTask& task, int32_t sms) {
  const int64_t blocks = (task.rows * (task.out_stride / 8) + 255) / 256;
  return {"dmoe_round_bf16", static_cast<uint32_t>(std::min<int64_t>(blocks, int64_t{sms} * 8)), 256};
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_LAUNCH_EXPERTS_HPP_
