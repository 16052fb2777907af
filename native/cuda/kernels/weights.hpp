// weights: how the experts' weights lie in device memory. Shared by the kernels, the packing
// (host/pack_weights) and the tests.
//
// As on the CPU (core/panel_gemm.hpp) a matrix [N, K] is cut into panels of 32 output columns, the panels of
// a product with a gate hold 16 gate columns and the 16 up columns that belong to them, and the stored values
// are the same, element by element. A panel is a sequence of blocks of 32 k, K padded with zeros:
//   f32   [k][32 columns] floats, k not padded: 128 bytes per k, as on the CPU
//   bf16  [32 columns][4 quads][8]: 2048 bytes per block
//   q8    [half i][8 columns][4 quads][tile i, tile i + 2][8] bytes, value + 128; 32 scales: 1088 bytes
//   q4    [8 columns][4 quads][tile 0..3][8] nibbles, value + 8; 32 scales: 576 bytes
// A tile is 8 columns side by side, column 8 tile + c. A quad is what one lane of a warp holds of a column in
// its tensor-core products (expert_formats.hpp): quad j has the k 8 m + 2 j and one on for m = 0..3. Thus a
// warp's lanes read 16 bytes each, one after the other, from global or shared memory, without conflicts.
// Within the 8 bytes or nibbles of a quad the order is one that two masks unpack, see quant_place. Scales
// (float16) of a block: [4 quads][4 tiles][2], the columns 8 tile + 2 quad + {0, 1} that a lane has sums of.
//
// One expert: up panels, down panels, then the biases in the order of the panels' columns, each part aligned
// to 128 bytes.
#ifndef DYNAMICMOE_CUDA_KERNELS_WEIGHTS_HPP_
#define DYNAMICMOE_CUDA_KERNELS_WEIGHTS_HPP_

#include <stdint.h>

#include "dynamicmoe/dynamicmoe.h"

#if defined(__CUDACC__) || defined(__CUDA__)
#define DMOE_BOTH __host__ __device__ constexpr
#else
#define DMOE_BOTH constexpr
#endif

namespace dmoe::cuda {

constexpr int kPanel = 32;  // columns of a panel
constexpr int kBlock = 32;  // k of a block
constexpr int kHalfPanel = 16;
constexpr int kWeightAlignment = 128;
constexpr int kScaleBytes = 64;  // of a block of q8 or q4, at its end

DMOE_BOTH int64_t up_to(int64_t value, int64_t step) { return (value + step - 1) / step * step; }
DMOE_BOTH int32_t blocks_of(int32_t k) { return (k + kBlock - 1) / kBlock; }

/** Bytes of 32 columns by 32 k. */
DMOE_BOTH int32_t block_bytes(int32_t format) {
  switch (format) {
    case DMOE_FORMAT_F32:
      return 4096;
    case DMOE_FORMAT_BF16:
      return 2048;
    case DMOE_FORMAT_Q8:
      return 1024 + kScaleBytes;
    default:
      return 512 + kScaleBytes;
  }
}
/** Bytes of a panel with K = k. */
DMOE_BOTH int64_t panel_bytes(int32_t format, int32_t k) {
  return format == DMOE_FORMAT_F32 ? int64_t{k} * kPanel * 4 : int64_t{blocks_of(k)} * block_bytes(format);
}

/** Columns of h that a panel of the up product yields. */
DMOE_BOTH int32_t panel_width(int32_t kind) { return kind == DMOE_EXPERT_SWIGLU ? kHalfPanel : kPanel; }
/** Panels of the up product; none for LINEAR, whose only product is `down` and takes the input. */
DMOE_BOTH int32_t up_panels(int32_t kind, int32_t width) {
  return kind == DMOE_EXPERT_LINEAR
             ? 0
             : static_cast<int32_t>(up_to(width, panel_width(kind)) / panel_width(kind));
}
DMOE_BOTH int32_t down_panels(int32_t hidden) { return static_cast<int32_t>(up_to(hidden, kPanel) / kPanel); }

/** Where the parts of an expert begin, in bytes. */
struct ExpertLayout {
  int64_t down;       // the up panels begin at 0
  int64_t up_bias;    // float per column of the up panels
  int64_t down_bias;  // float per column of the down panels
  int64_t bytes;      // of one expert, a multiple of kWeightAlignment
};
DMOE_BOTH ExpertLayout expert_layout(int32_t format, int32_t kind, int32_t hidden, int32_t width,
                                     bool use_bias) {
  ExpertLayout l{};
  l.down = up_to(up_panels(kind, width) * panel_bytes(format, hidden), kWeightAlignment);
  l.up_bias = l.down + up_to(down_panels(hidden) * panel_bytes(format, width), kWeightAlignment);
  l.down_bias = l.up_bias;
  if (use_bias) l.down_bias += int64_t{up_panels(kind, width)} * kPanel * 4;
  l.bytes = l.down_bias;
  if (use_bias) l.bytes += int64_t{down_panels(hidden)} * kPanel * 4;
  return l;
}

/** Quad that has element k of a block, and its place among the quad's 8. */
DMOE_BOTH int32_t quad_of(int32_t k) { return k % 8 / 2; }
DMOE_BOTH int32_t place_in_quad(int32_t k) { return k / 8 * 2 + k % 2; }
/** Byte (q8) or nibble (q4) of a quad that has the element of that place. Places 2 m and 2 m + 1 lie 16 bits
 * apart, in the halves of a register: q8 has them in word m / 2, byte m % 2 and two bytes on; q4 in nibble m
 * and four nibbles on. */
DMOE_BOTH int32_t quant_place(int32_t format, int32_t place) {
  const int32_t pair = place / 2, odd = place % 2;
  return format == DMOE_FORMAT_Q8 ? pair / 2 * 4 + pair % 2 + 2 * odd : pair + 4 * odd;
}
/** Byte of a block that holds column c, element k (the low or the high nibble of it for q4; bf16: the first
 * of its two). */
DMOE_BOTH int32_t value_byte(int32_t format, int32_t c, int32_t k) {
  const int32_t tile = c / 8, lane = c % 8 * 4 + quad_of(k);
  switch (format) {
    case DMOE_FORMAT_F32:
      return (k * kPanel + c) * 4;
    case DMOE_FORMAT_BF16:
      return tile * 512 + lane * 16 + place_in_quad(k) * 2;
    case DMOE_FORMAT_Q8:
      return tile % 2 * 512 + lane * 16 + tile / 2 * 8 + quant_place(format, place_in_quad(k));
    default:
      return lane * 16 + tile * 4 + quant_place(format, place_in_quad(k)) / 2;
  }
}
/** q4: whether value_byte() holds the element in its high nibble. */
DMOE_BOTH bool high_nibble(int32_t k) { return quant_place(DMOE_FORMAT_Q4, place_in_quad(k)) % 2 != 0; }
/** Byte of a block of q8 or q4 where column c's scale begins. */
DMOE_BOTH int32_t scale_byte(int32_t format, int32_t c) {
  return block_bytes(format) - kScaleBytes + (c % 8 / 2 * 8 + c / 8 * 2 + c % 2) * 2;
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_WEIGHTS_HPP_
