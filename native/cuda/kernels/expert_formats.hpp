// expert_formats: how a warp reads the operands of its tensor-core products, bfloat16 rows by packed weights
// (weights.hpp).
//
// mma m16n8k16 gives lane l the rows l / 4 and l / 4 + 8 of A, column l / 4 of B, and of both, with j = l %
// 4, the k 2 j, 2 j + 1, 2 j + 8, 2 j + 9. Rows of A lie in shared memory as they are, 64 bytes per block of
// 32 k, and ldmatrix deals them out; their 16-byte pieces change places from row to row so that it meets all
// banks. Weights lie in memory as the lanes want them (weights.hpp): 16 bytes per lane, tile and block. Every
// kernel here adds in the same order: per block one mma for k 0..15, then one for k 16..31.
//
// Values of q8 and q4 are integers of at most 8 bits, exact in bfloat16. A block's sum starts from 0, then
// acc = fma(scale, sum, acc), blocks ascending; bfloat16 weights go on in one chain.
#ifndef DYNAMICMOE_CUDA_KERNELS_EXPERT_FORMATS_HPP_
#define DYNAMICMOE_CUDA_KERNELS_EXPERT_FORMATS_HPP_

#include "kernels/device.hpp"
#include "kernels/weights.hpp"

namespace dmoe::cuda {

constexpr int kTiles = kPanel / 8;     // of 8 columns in a panel
constexpr int kRowBytes = kBlock * 2;  // of a block's 32 bfloat16 of A
constexpr int kMmaRows = 16;

/** One lane's share of a tile: [step][register of B]. */
struct TileOperand {
  unsigned b[2][2];
};
/** Of a block's rows of A: [step][register of A]. */
struct RowOperand {
  unsigned a[2][4];
};
/** Sums that a lane has of a tile: rows l / 4 (2) and l / 4 + 8 (2), columns 2 (l % 4) and one on. */
using TileSums = float[4];

__device__ __forceinline__ uint4 load16(const void* p) { return *static_cast<const uint4*>(p); }

/** Byte of a slot of rows where 16 bytes of a row lie: piece 0..3 of the block's 64 bytes. */
__device__ __forceinline__ int row_byte(int row, int piece) {
  return row * kRowBytes + (piece ^ (row >> 1 & 3)) * 16;
}
/** 16 rows from `first` (a multiple of 8) on. */
__device__ __forceinline__ void load_rows(const unsigned char* slot, int first, int lane, RowOperand& rows) {
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    ldmatrix_x4(rows.a[step], slot + row_byte(first + lane % 16, 2 * step + lane / 16));
  }
}
/** 8 rows; the other 8 of the operand are zeros. */
__device__ __forceinline__ void load_8_rows(const unsigned char* slot, int lane, RowOperand& rows) {
  unsigned pieces[4];
  ldmatrix_x4(pieces, slot + row_byte(lane % 8, lane / 8));
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    rows.a[step][0] = pieces[2 * step];
    rows.a[step][1] = 0;
    rows.a[step][2] = pieces[2 * step + 1];
    rows.a[step][3] = 0;
  }
}

// 0x4300 | n is the bfloat16 128 + n for n < 128.
__device__ __forceinline__ unsigned or_128(unsigned bits, unsigned mask) {
  return (bits & mask) | 0x43004300u;
}

/** Bytes 0 and 2 of `w`, value + 128 each, as two bfloat16 values: with n = byte & 127, value = (128 + n) -
 * (byte & 128 ? 128 : 256). */
__device__ __forceinline__ unsigned bytes_to_bf16x2(unsigned w) {
  const unsigned high = (w & 0x00800080u) ^ 0x43804380u;
  return fma_bf16x2(high, 0xbf80bf80u, or_128(w, 0x007f007fu));  // high * -1 + ...
}
/** Nibbles 0 and 4 of `w`, value + 8 each: (128 + nibble) - 136. */
__device__ __forceinline__ unsigned nibbles_to_bf16x2(unsigned w) {
  return fma_bf16x2(or_128(w, 0x000f000fu), 0x3f803f80u, 0xc308c308u);
}

/** The two scales of each tile that a lane has sums of. `block` is at any 16-byte-aligned place. */
__device__ __forceinline__ void load_scales(const uint8_t* scales, int lane, float (&scale)[kTiles][2]) {
  const uint4 halves = load16(scales + lane % 4 * 16);
  const unsigned pairs[kTiles] = {halves.x, halves.y, halves.z, halves.w};
#pragma unroll
  for (int t = 0; t < kTiles; ++t) halves_to_floats(pairs[t], scale[t][0], scale[t][1]);
}

struct FormatBf16 {
  static constexpr int kFormat = DMOE_FORMAT_BF16;
  static constexpr int kBlockBytes = block_bytes(kFormat);
  static constexpr bool kScaled = false;
  // What a warp of the small-batch kernel takes of a block: tiles `part` and part + 2, in pieces of 16 bytes
  // per lane.
  static constexpr int kParts = 2;
  static constexpr int kPieces = 2;
  static constexpr int kPieceStride = 1024;  // bytes between pieces of a part
  static constexpr int kPartStride = 512;    // bytes between parts

  __device__ __forceinline__ static void unpack(const uint4& bytes, TileOperand& tile) {
    tile.b[0][0] = bytes.x;
    tile.b[0][1] = bytes.y;
    tile.b[1][0] = bytes.z;
    tile.b[1][1] = bytes.w;
  }
  /** All tiles of a block. */
  __device__ __forceinline__ static void load(const uint8_t* block, int lane, TileOperand (&tiles)[kTiles]) {
#pragma unroll
    for (int t = 0; t < kTiles; ++t) unpack(load16(block + t * 512 + lane * 16), tiles[t]);
  }
  /** The tiles of a part: its first pair is tile 0, 1 of `tiles`. `part` holds the pieces side by side. */
  __device__ __forceinline__ static void load_part(const uint8_t* part, int lane, TileOperand (&tiles)[2]) {
#pragma unroll
    for (int t = 0; t < 2; ++t) unpack(load16(part + t * 512 + lane * 16), tiles[t]);
  }
};

struct FormatQ8 {
  static constexpr int kFormat = DMOE_FORMAT_Q8;
  static constexpr int kBlockBytes = block_bytes(kFormat);
  static constexpr bool kScaled = true;
  static constexpr int kParts = 2;
  static constexpr int kPieces = 1;
  static constexpr int kPieceStride = 0;
  static constexpr int kPartStride = 512;

  __device__ __forceinline__ static void unpack(unsigned first, unsigned second, TileOperand& tile) {
    tile.b[0][0] = bytes_to_bf16x2(first);
    tile.b[0][1] = bytes_to_bf16x2(first >> 8);
    tile.b[1][0] = bytes_to_bf16x2(second);
    tile.b[1][1] = bytes_to_bf16x2(second >> 8);
  }
  __device__ __forceinline__ static void load(const uint8_t* block, int lane, TileOperand (&tiles)[kTiles]) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const uint4 bytes = load16(block + i * 512 + lane * 16);
      unpack(bytes.x, bytes.y, tiles[i]);
      unpack(bytes.z, bytes.w, tiles[i + 2]);
    }
  }
  __device__ __forceinline__ static void load_part(const uint8_t* part, int lane, TileOperand (&tiles)[2]) {
    const uint4 bytes = load16(part + lane * 16);
    unpack(bytes.x, bytes.y, tiles[0]);
    unpack(bytes.z, bytes.w, tiles[1]);
  }
};

struct FormatQ4 {
  static constexpr int kFormat = DMOE_FORMAT_Q4;
  static constexpr int kBlockBytes = block_bytes(kFormat);
  static constexpr bool kScaled = true;
  static constexpr int kParts = 1;
  static constexpr int kPieces = 1;
  static constexpr int kPieceStride = 0;
  static constexpr int kPartStride = 0;

  __device__ __forceinline__ static void unpack(unsigned word, TileOperand& tile) {
    tile.b[0][0] = nibbles_to_bf16x2(word);
    tile.b[0][1] = nibbles_to_bf16x2(word >> 4);
    tile.b[1][0] = nibbles_to_bf16x2(word >> 8);
    tile.b[1][1] = nibbles_to_bf16x2(word >> 12);
  }
  __device__ __forceinline__ static void load(const uint8_t* block, int lane, TileOperand (&tiles)[kTiles]) {
    const uint4 bytes = load16(block + lane * 16);
    unpack(bytes.x, tiles[0]);
    unpack(bytes.y, tiles[1]);
    unpack(bytes.z, tiles[2]);
    unpack(bytes.w, tiles[3]);
  }
  __device__ __forceinline__ static void load_part(const uint8_t* part, int lane,
                                                   TileOperand (&tiles)[kTiles]) {
    load(part, lane, tiles);
  }
};

/** acc += A B over a block of 32 k, B of one tile; `scale` of its two columns where the format has scales. */
template <class F>
__device__ __forceinline__ void multiply_add(TileSums& acc, const RowOperand& rows, const TileOperand& tile,
                                             const float (&scale)[2]) {
  if constexpr (F::kScaled) {
    TileSums part = {0.0f, 0.0f, 0.0f, 0.0f};
    mma_bf16(part, rows.a[0], tile.b[0][0], tile.b[0][1]);
    mma_bf16(part, rows.a[1], tile.b[1][0], tile.b[1][1]);
#pragma unroll
    for (int i = 0; i < 4; ++i) acc[i] = fmaf(scale[i % 2], part[i], acc[i]);
  } else {
    mma_bf16(acc, rows.a[0], tile.b[0][0], tile.b[0][1]);
    mma_bf16(acc, rows.a[1], tile.b[1][0], tile.b[1][1]);
  }
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_EXPERT_FORMATS_HPP_
