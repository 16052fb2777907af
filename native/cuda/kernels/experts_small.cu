// experts, small batches: the up and the down product where an expert has at most 8 rows, for every format.
// The work is to read the active experts' weights once, as fast as memory gives them.
//
// A warp takes 32 columns (f32, q4) or 16 (bf16, q8: half a panel, so that there are more warps) of one
// expert and walks k from 0 to K. Weights and rows stream through a ring of kStages slots of shared memory
// that belongs to the warp, by cp.async of 16 bytes per lane; no barrier of the block is needed. Experts with
// more rows are read once per 8 rows.
// Layouts, alignments, order of sums, results and errors are those of experts_bf16.cu, experts_quant.cu and
// experts_f32.cu, bit for bit: a row's result depends on nothing but the row and the weights, so which kernel
// ran cannot be told from it.
#include "kernels/expert_floats.hpp"
#include "kernels/expert_formats.hpp"

namespace dmoe::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kRows = 8;
constexpr int kSumStride = 40;

/** Tensor-core formats: A of 8 rows (the lower 8 of an mma are zeros), one part of a panel. */
template <Side S, class F>
class SmallProduct {
 public:
  __device__ __forceinline__ static void run(const ExpertsTask& task) {
    __shared__ __align__(128) unsigned char rings[kWarps * kRingBytes];
    const Operands product(task);
    ExpertWalk walk(task, kRows, product.panels * F::kParts);
    const int warp = threadIdx.x / 32;
    unsigned char* ring = rings + warp * kRingBytes;
    ExpertTile tile;
    for (int64_t number = int64_t{blockIdx.x} * kWarps + warp; walk.find(number, &tile);
         number += int64_t{gridDim.x} * kWarps) {
      run_tile(product, tile, ring);
    }
  }

 private:
  using Operands = Product<S, F::kFormat, uint16_t>;
  static constexpr int kStages = 8;
  static constexpr int kPartTiles = kTiles / F::kParts;
  static constexpr int kRowSlotBytes = kRows * kRowBytes;
  static constexpr int kSlotBytes = kRowSlotBytes + F::kPieces * 512 + (F::kScaled ? kScaleBytes : 0);
  static constexpr int kRingBytes = kStages * kSlotBytes;
  static_assert(kRows * kSumStride * 4 <= kRingBytes);

  struct Copies {
    const uint16_t* row;  // NULL = zeros; each lane copies 8 k of one row
    const uint8_t* part;  // of block 0
    const uint8_t* scales;
    int32_t k;
  };

  __device__ __forceinline__ static void copy_block(const Copies& from, int32_t block, int lane,
                                                    unsigned char* slot) {
    const int32_t first = block * kBlock + lane % 4 * 8;
    const bool some = from.row != nullptr && first < from.k;
    cp_async16(slot + row_byte(lane / 4, lane % 4),
               some ? static_cast<const void*>(from.row + first) : from.part,
               some ? min(8, from.k - first) * 2 : 0);
    const int64_t at = int64_t{block} * F::kBlockBytes;
#pragma unroll
    for (int p = 0; p < F::kPieces; ++p) {
      cp_async16(slot + kRowSlotBytes + p * 512 + lane * 16, from.part + at + p * F::kPieceStride + lane * 16,
                 16);
    }
    if constexpr (F::kScaled) {
      if (lane < kScaleBytes / 16) {
        cp_async16(slot + kRowSlotBytes + F::kPieces * 512 + lane * 16, from.scales + at + lane * 16, 16);
      }
    }
  }

  __device__ __forceinline__ static void multiply(const unsigned char* slot, int lane, int part,
                                                  TileSums (&sums)[kPartTiles]) {
    RowOperand rows;
    load_8_rows(slot, lane, rows);
    TileOperand tiles[kPartTiles];
    F::load_part(slot + kRowSlotBytes, lane, tiles);
    float all[kTiles][2] = {};
    if constexpr (F::kScaled) load_scales(slot + kRowSlotBytes + F::kPieces * 512, lane, all);
#pragma unroll
    for (int t = 0; t < kPartTiles; ++t) {
      // Part 1 of 2 is tiles 1 and 3.
      const int tile = t * F::kParts;
      float scale[2];
#pragma unroll
      for (int o = 0; o < 2; ++o)
        scale[o] = F::kParts == 2 && part == 1 ? all[tile + 1 < kTiles ? tile + 1 : tile][o] : all[tile][o];
      multiply_add<F>(sums[t], rows, tiles[t], scale);
    }
  }

  __device__ __forceinline__ static void run_tile(const Operands& product, const ExpertTile& tile,
                                                  unsigned char* ring) {
    const int lane = threadIdx.x % 32;
    const int32_t panel = tile.columns / F::kParts, part = tile.columns % F::kParts;
    const int32_t row = lane / 4;
    const uint8_t* weights = product.panel(tile.expert, panel);
    const Copies from{row < tile.rows ? product.operand(tile.expert, tile.first_row + row) : nullptr,
                      weights + part * F::kPartStride, weights + F::kBlockBytes - kScaleBytes, product.k};
    TileSums sums[kPartTiles];
#pragma unroll
    for (int t = 0; t < kPartTiles; ++t)
#pragma unroll
      for (int i = 0; i < 4; ++i) sums[t][i] = 0.0f;

    const int32_t blocks = blocks_of(product.k);
#pragma unroll 1
    for (int32_t b = 0; b < kStages - 1; ++b) {
      if (b < blocks) copy_block(from, b, lane, ring + b * kSlotBytes);
      cp_async_commit();
    }
    for (int32_t b = 0; b < blocks; ++b) {
      cp_async_wait<kStages - 2>();
      __syncwarp();  // every lane's part of the slot has landed, and nobody reads the one before any more
      const int32_t ahead = b + kStages - 1;
      if (ahead < blocks) copy_block(from, ahead, lane, ring + ahead % kStages * kSlotBytes);
      cp_async_commit();
      multiply(ring + b % kStages * kSlotBytes, lane, part, sums);
    }
    __syncwarp();  // the slots are free: groups still open are empty

    float* staged = reinterpret_cast<float*>(ring);
#pragma unroll
    for (int t = 0; t < kPartTiles; ++t) {
      const int column = (part + t * F::kParts) * 8 + lane % 4 * 2;
      *reinterpret_cast<float2*>(staged + row * kSumStride + column) = float2{sums[t][0], sums[t][1]};
    }
    __syncwarp();
    store_panel<S, kSumStride, F::kParts, uint16_t>(product, tile, panel, part, {staged, 0, kRows}, lane, 32);
    __syncwarp();  // the next tile copies into the ring
  }
};

/** f32: a lane has the sums of one column of a panel and 8 rows. */
template <Side S>
class SmallFloatProduct {
 public:
  __device__ __forceinline__ static void run(const ExpertsTask& task) {
    __shared__ __align__(128) unsigned char rings[kWarps * kRingBytes];
    const Operands product(task);
    ExpertWalk walk(task, kRows, product.panels);
    const int warp = threadIdx.x / 32;
    unsigned char* ring = rings + warp * kRingBytes;
    ExpertTile tile;
    for (int64_t number = int64_t{blockIdx.x} * kWarps + warp; walk.find(number, &tile);
         number += int64_t{gridDim.x} * kWarps) {
      run_tile(product, tile, ring);
    }
  }

 private:
  using Operands = Product<S, DMOE_FORMAT_F32, float>;
  static constexpr int kStages = 4;
  static constexpr int kRowSlotBytes = kRows * kFloatSlotK * 4;
  static constexpr int kSlotBytes = kRowSlotBytes + kFloatSlotK * kPanel * 4;
  static constexpr int kRingBytes = kStages * kSlotBytes;

  struct Copies {
    FloatRow row;
    const uint8_t* panel;
    int32_t k;
  };

  __device__ __forceinline__ static void copy(const Copies& from, int32_t first, int lane,
                                              unsigned char* slot) {
    copy_floats(from.row, first + lane % 4 * 4, from.k, slot + lane * 16);
#pragma unroll
    for (int i = 0; i < kFloatSlotK / 4; ++i) {
      const int piece = i * 32 + lane;  // 8 of a k
      const bool real = first + piece / 8 < from.k;
      cp_async16(slot + kRowSlotBytes + piece * 16,
                 real ? from.panel + int64_t{first} * kPanel * 4 + piece * 16 : from.panel, real ? 16 : 0);
    }
  }

  __device__ __forceinline__ static float weight(const unsigned char* slot, int k, int lane) {
    return *reinterpret_cast<const float*>(slot + kRowSlotBytes + (k * kPanel + lane) * 4);
  }
  __device__ __forceinline__ static void multiply_whole(const unsigned char* slot, int lane,
                                                        float (&sums)[kRows]) {
#pragma unroll
    for (int k = 0; k < kFloatSlotK; k += 4) {
      const float w[4] = {weight(slot, k, lane), weight(slot, k + 1, lane), weight(slot, k + 2, lane),
                          weight(slot, k + 3, lane)};
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const float4 x = *reinterpret_cast<const float4*>(slot + (r * kFloatSlotK + k) * 4);
        sums[r] = fmaf(w[3], x.w, fmaf(w[2], x.z, fmaf(w[1], x.y, fmaf(w[0], x.x, sums[r]))));
      }
    }
  }
  /** The first `count` k. */
  __device__ __forceinline__ static void multiply_some(const unsigned char* slot, int count, int lane,
                                                       float (&sums)[kRows]) {
#pragma unroll 1
    for (int k = 0; k < count; ++k) {
      const float w = weight(slot, k, lane);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        sums[r] = fmaf(w, *reinterpret_cast<const float*>(slot + (r * kFloatSlotK + k) * 4), sums[r]);
      }
    }
  }

  __device__ __forceinline__ static void run_tile(const Operands& product, const ExpertTile& tile,
                                                  unsigned char* ring) {
    const int lane = threadIdx.x % 32;
    const Copies from{float_row(product, tile, lane / 4), product.panel(tile.expert, tile.columns),
                      product.k};
    float sums[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) sums[r] = 0.0f;

#pragma unroll 1
    for (int32_t s = 0; s < kStages - 1; ++s) {
      if (s * kFloatSlotK < product.k) copy(from, s * kFloatSlotK, lane, ring + s * kSlotBytes);
      cp_async_commit();
    }
    for (int32_t step = 0; step * kFloatSlotK < product.k; ++step) {
      cp_async_wait<kStages - 2>();
      __syncwarp();  // every lane's part of the slot has landed, and nobody reads the one before any more
      const int32_t ahead = step + kStages - 1;
      if (ahead * kFloatSlotK < product.k)
        copy(from, ahead * kFloatSlotK, lane, ring + ahead % kStages * kSlotBytes);
      cp_async_commit();
      const unsigned char* slot = ring + step % kStages * kSlotBytes;
      const int32_t left = product.k - step * kFloatSlotK;
      if (left >= kFloatSlotK) {
        multiply_whole(slot, lane, sums);
      } else {
        multiply_some(slot, left, lane, sums);
      }
    }
    __syncwarp();  // the slots are free: groups still open are empty

    float* staged = reinterpret_cast<float*>(ring);
#pragma unroll
    for (int r = 0; r < kRows; ++r) staged[r * kSumStride + lane] = sums[r];
    __syncwarp();
    store_panel<S, kSumStride, 1, float>(product, tile, tile.columns, 0, {staged, 0, kRows}, lane, 32);
    __syncwarp();  // the next tile copies into the ring
  }
};

}  // namespace

#define DMOE_SMALL(name, ...)                                                           \
  extern "C" __global__ void __launch_bounds__(kThreads) name(const ExpertsTask task) { \
    __VA_ARGS__::run(task);                                                             \
  }

DMOE_SMALL(dmoe_up_f32_small, SmallFloatProduct<Side::kUp>)
DMOE_SMALL(dmoe_down_f32_small, SmallFloatProduct<Side::kDown>)
DMOE_SMALL(dmoe_up_bf16_small, SmallProduct<Side::kUp, FormatBf16>)
DMOE_SMALL(dmoe_down_bf16_small, SmallProduct<Side::kDown, FormatBf16>)
DMOE_SMALL(dmoe_up_q8_small, SmallProduct<Side::kUp, FormatQ8>)
DMOE_SMALL(dmoe_down_q8_small, SmallProduct<Side::kDown, FormatQ8>)
DMOE_SMALL(dmoe_up_q4_small, SmallProduct<Side::kUp, FormatQ4>)
DMOE_SMALL(dmoe_down_q4_small, SmallProduct<Side::kDown, FormatQ4>)

}  // namespace dmoe::cuda
