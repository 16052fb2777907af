// expert_walk: which rows and columns a block or warp works on. The grid is persistent: worker w of W takes
// the tiles w, w + W, ... of a list that nobody stores; where a tile lies follows from the plan's offsets.
// Tiles are numbered by expert, then by columns, then by rows, so that workers side by side share columns of
// weights.
#ifndef DYNAMICMOE_CUDA_KERNELS_EXPERT_WALK_HPP_
#define DYNAMICMOE_CUDA_KERNELS_EXPERT_WALK_HPP_

#include "kernels/device.hpp"
#include "kernels/tasks.hpp"

namespace dmoe::cuda {

constexpr unsigned kAllLanes = 0xffffffffu;

struct ExpertTile {
  int32_t expert;
  int64_t first_row;  // of h and y
  int32_t rows;       // 1..tile rows
  int32_t columns;    // number of the tile along the columns
};

/** Finds tiles of rising numbers. Every lane of a warp must ask for the same tile. */
class ExpertWalk {
 public:
  __device__ __forceinline__ ExpertWalk(const ExpertsTask& task, int32_t tile_rows, int32_t column_tiles)
      : offsets_(task.offsets),
        experts_(task.experts),
        tokens_(task.tokens),
        tile_rows_(tile_rows),
        column_tiles_(column_tiles) {}

  /** @return whether there is a tile of this number; numbers must not fall from call to call. */
  __device__ __forceinline__ bool find(int64_t tile, ExpertTile* found) {
    const int lane = threadIdx.x & 31;
    for (; group_ < experts_; group_ += 32) {
      // Row tiles of 32 experts at once: those before and including this lane's.
      const int32_t rows = rows_of(group_ + lane);
      const int32_t tiles = (rows + tile_rows_ - 1) / tile_rows_;
      int32_t through = tiles;
      for (int step = 1; step < 32; step *= 2) {
        const int32_t other = __shfl_up_sync(kAllLanes, through, step);
        if (lane >= step) through += other;
      }
      const unsigned reached = __ballot_sync(kAllLanes, tile < (before_ + through) * column_tiles_);
      if (reached != 0) {
        const int source = __ffs(static_cast<int>(reached)) - 1;
        const int32_t its_tiles = __shfl_sync(kAllLanes, tiles, source);
        const int32_t its_rows = __shfl_sync(kAllLanes, rows, source);
        const int64_t first = before_ + __shfl_sync(kAllLanes, through, source) - its_tiles;
        const int64_t within = tile - first * column_tiles_;
        const int32_t row_tile = static_cast<int32_t>(within % its_tiles);
        found->expert = group_ + source;
        found->columns = static_cast<int32_t>(within / its_tiles);
        found->first_row = first_row(found->expert) + int64_t{row_tile} * tile_rows_;
        found->rows = min(tile_rows_, its_rows - row_tile * tile_rows_);
        return true;
      }
      before_ += __shfl_sync(kAllLanes, through, 31);
    }
    return false;
  }

  /** Row of the input that row `row` of h and y is made from. */
  __device__ __forceinline__ static int64_t input_row(const ExpertsTask& task, int32_t expert, int64_t row) {
    return task.offsets == nullptr ? row - int64_t{expert} * task.tokens : task.token_of[row];
  }

 private:
  __device__ __forceinline__ int64_t first_row(int32_t expert) const {
    return offsets_ == nullptr ? int64_t{expert} * tokens_ : offsets_[expert];
  }
  __device__ __forceinline__ int32_t rows_of(int32_t expert) const {
    if (expert >= experts_) return 0;
    return offsets_ == nullptr ? tokens_ : offsets_[expert + 1] - offsets_[expert];
  }

  const int32_t* offsets_;
  int32_t experts_, tokens_, tile_rows_, column_tiles_;
  int32_t group_ = 0;   // first of the 32 experts under way
  int64_t before_ = 0;  // row tiles of the experts before them
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_EXPERT_WALK_HPP_
