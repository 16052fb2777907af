// expert_gemm: the grouped product on tensor cores, bfloat16 rows by weights of any format, for the kernels
// of experts_bf16.cu and experts_quant.cu.
//
// A block works on kRows rows by kPanels panels (32 columns each) at a time and walks the tiles of
// expert_walk.hpp. Operands stream through kStages slots of shared memory, a block of 32 k each, by cp.async;
// each warp has one panel of kWarpRows rows of sums in registers. Rows past an expert's last are copied as
// zeros, as is k past K. At the end of a tile the sums pass through shared
// memory, so that one rolled loop makes h or y of them and stores whole sectors. Order of sums:
// expert_formats.hpp. A row's result depends on nothing but the row and the weights.
#ifndef DYNAMICMOE_CUDA_KERNELS_EXPERT_GEMM_HPP_
#define DYNAMICMOE_CUDA_KERNELS_EXPERT_GEMM_HPP_

#include "kernels/expert_formats.hpp"
#include "kernels/expert_product.hpp"

namespace dmoe::cuda {

/** Shape of a tile and of its pipeline. */
template <int kRowsOfTile, int kPanelsOfTile, int kRowsOfWarp, int kSlots, int kBlocks>
struct GemmShape {
  static constexpr int kRows = kRowsOfTile;
  static constexpr int kPanels = kPanelsOfTile;
  static constexpr int kWarpRows = kRowsOfWarp;
  static constexpr int kStages = kSlots;
  static constexpr int kBlocksPerSm = kBlocks;
  static constexpr int kThreads = kRows / kWarpRows * kPanels * 32;
};
/** For loads of many rows per expert: 64 FLOP per byte from L2. */
using LargeTile = GemmShape<128, 4, 64, 3, 2>;
/** For a few rows per expert. */
using SmallTile = GemmShape<64, 2, 32, 4, 4>;

template <Side S, class F, class Shape>
class ExpertGemm {
 public:
  static constexpr int kThreads = Shape::kThreads;

  __device__ __forceinline__ static void run(const ExpertsTask& task) {
    __shared__ __align__(128) unsigned char slots[Shape::kStages * kSlotBytes];
    const Operands product(task);
    const int32_t column_tiles = (product.panels + Shape::kPanels - 1) / Shape::kPanels;
    ExpertWalk walk(task, Shape::kRows, column_tiles);
    ExpertTile tile;
    for (int64_t number = blockIdx.x; walk.find(number, &tile); number += gridDim.x)
      run_tile(product, tile, slots);
  }

 private:
  using Operands = Product<S, F::kFormat, uint16_t>;
  static constexpr int kRowSlotBytes = Shape::kRows * kRowBytes;
  static constexpr int kSlotBytes = kRowSlotBytes + Shape::kPanels * F::kBlockBytes;
  static constexpr int kRowTiles = Shape::kWarpRows / kMmaRows;
  static constexpr int kSumStride = 40;  // floats; pairs of 8 rows fall in different banks
  static constexpr int kRowCopies =
      Shape::kRows * 4 / kThreads;  // 16-byte pieces of A that a thread copies per block of k
  static constexpr int kPanelThreads = kThreads / Shape::kPanels;  // that copy one panel
  static constexpr int kPanelPieces = F::kBlockBytes / 16;
  static_assert(kThreads / 32 * kMmaRows * kSumStride * 4 <= Shape::kStages * kSlotBytes);

  /** What one thread copies of a block of k: 8 elements of some rows of A, and of one panel every
   * kPanelThreads-th piece of 16 bytes. */
  struct Copies {
    const uint16_t* rows[kRowCopies];  // at the thread's first k; NULL = zeros
    int32_t k;                         // elements from there on
    const uint8_t* pieces;             // of block 0; NULL = the panel does not exist
    const uint8_t* nothing;            // for copies of zeros, which read nothing
  };

  __device__ __forceinline__ static Copies copies(const Operands& product, const ExpertTile& tile) {
    Copies from;
    const int32_t first = threadIdx.x % 4 * 8;
#pragma unroll
    for (int i = 0; i < kRowCopies; ++i) {
      const int32_t row = (threadIdx.x + i * kThreads) / 4;
      from.rows[i] = row < tile.rows ? product.operand(tile.expert, tile.first_row + row) + first : nullptr;
    }
    from.k = product.k - first;
    const int32_t panel = tile.columns * Shape::kPanels + threadIdx.x / kPanelThreads;
    from.pieces = panel < product.panels
                      ? product.panel(tile.expert, panel) + threadIdx.x % kPanelThreads * 16
                      : nullptr;
    from.nothing = product.task.weights;
    return from;
  }

  __device__ __forceinline__ static void copy_block(const Copies& from, int32_t block, unsigned char* slot) {
    const int32_t bytes = max(0, min(16, (from.k - block * kBlock) * 2));
#pragma unroll
    for (int i = 0; i < kRowCopies; ++i) {
      const bool some = from.rows[i] != nullptr && bytes > 0;
      const void* at = from.rows[i] + int64_t{block} * kBlock;
      cp_async16(slot + row_byte((threadIdx.x + i * kThreads) / 4, threadIdx.x % 4), some ? at : from.nothing,
                 some ? bytes : 0);
    }
    if (from.pieces == nullptr) return;
    const int panel = threadIdx.x / kPanelThreads, piece = threadIdx.x % kPanelThreads;
    const uint8_t* at = from.pieces + int64_t{block} * F::kBlockBytes;
    unsigned char* to = slot + kRowSlotBytes + panel * F::kBlockBytes + piece * 16;
#pragma unroll
    for (int i = 0; i * kPanelThreads < kPanelPieces; ++i) {
      if (piece + i * kPanelThreads < kPanelPieces) {
        cp_async16(to + i * kPanelThreads * 16, at + i * kPanelThreads * 16, 16);
      }
    }
  }

  __device__ __forceinline__ static void multiply(const unsigned char* slot, int lane, int warp_row,
                                                  int warp_panel, TileSums (&sums)[kRowTiles][kTiles]) {
    const unsigned char* block = slot + kRowSlotBytes + warp_panel * F::kBlockBytes;
    TileOperand tiles[kTiles];
    float scale[kTiles][2] = {};
    F::load(block, lane, tiles);
    if constexpr (F::kScaled) load_scales(block + F::kBlockBytes - kScaleBytes, lane, scale);
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i) {
      RowOperand rows;
      load_rows(slot, warp_row * Shape::kWarpRows + i * kMmaRows, lane, rows);
#pragma unroll
      for (int t = 0; t < kTiles; ++t) multiply_add<F>(sums[i][t], rows, tiles[t], scale[t]);
    }
  }

  __device__ __forceinline__ static void run_tile(const Operands& product, const ExpertTile& tile,
                                                  unsigned char* slots) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int warp_panel = warp % Shape::kPanels, warp_row = warp / Shape::kPanels;
    const int32_t panel = tile.columns * Shape::kPanels + warp_panel;
    const bool exists = panel < product.panels;
    const Copies from = copies(product, tile);

    TileSums sums[kRowTiles][kTiles];
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i)
#pragma unroll
      for (int t = 0; t < kTiles; ++t)
#pragma unroll
        for (int j = 0; j < 4; ++j) sums[i][t][j] = 0.0f;

    const int32_t blocks = blocks_of(product.k);
#pragma unroll 1
    for (int32_t b = 0; b < Shape::kStages - 1; ++b) {
      if (b < blocks) copy_block(from, b, slots + b * kSlotBytes);
      cp_async_commit();
    }
    int read = 0, write = Shape::kStages - 1;
    for (int32_t b = 0; b < blocks; ++b) {
      cp_async_wait<Shape::kStages - 2>();
      __syncthreads();  // everybody's part of slot `read` has landed, and nobody reads slot `write` any more
      if (b + Shape::kStages - 1 < blocks)
        copy_block(from, b + Shape::kStages - 1, slots + write * kSlotBytes);
      cp_async_commit();
      multiply(slots + read * kSlotBytes, lane, warp_row, warp_panel, sums);
      read = read + 1 == Shape::kStages ? 0 : read + 1;
      write = write + 1 == Shape::kStages ? 0 : write + 1;
    }
    __syncthreads();  // the slots are free: groups still open are empty

    float* staged = reinterpret_cast<float*>(slots) + warp * kMmaRows * kSumStride;
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i) {
      float* at = staged + lane / 4 * kSumStride + lane % 4 * 2;
#pragma unroll
      for (int t = 0; t < kTiles; ++t) {
        *reinterpret_cast<float2*>(at + t * 8) = float2{sums[i][t][0], sums[i][t][1]};
        *reinterpret_cast<float2*>(at + 8 * kSumStride + t * 8) = float2{sums[i][t][2], sums[i][t][3]};
      }
      __syncwarp();
      if (exists) {
        const PanelSums from{staged, warp_row * Shape::kWarpRows + i * kMmaRows, kMmaRows};
        store_panel<S, kSumStride, 1, uint16_t>(product, tile, panel, 0, from, lane, 32);
      }
      __syncwarp();
    }
    __syncthreads();  // the next tile copies into the slots
  }
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_EXPERT_GEMM_HPP_
