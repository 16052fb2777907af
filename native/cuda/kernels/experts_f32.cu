// experts, f32: the up and the down product of every expert, grouped, in float fused multiply-adds; bit for
// bit the CPU's results.
//
//   up    h[r] = act(x[token_of[r]] Wup^T + b), or silu(x Wgate^T + b) * (x Wup^T + b)
//   down  y[r] = h[r] Wdown^T + b; LINEAR multiplies x[token_of[r]]
// input and h: float. Rows aligned to 16 bytes are copied faster.
// Tiles of 64 rows by 4 panels, 256 threads with 4 rows by 8 columns of sums each; operands stream through 3
// slots of 16 k.
// Order: one accumulator per element, one fma per k, k ascending from 0, then the bias, then the activation
// (activation.hpp). That is the order of core/panel_gemm.inl, and the bounds of ops/experts/experts.hpp hold.
// experts_small.cu gives the same bits.
#include "kernels/expert_floats.hpp"

namespace dmoe::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = 64;
constexpr int kPanels = 4;
constexpr int kStages = 3;
constexpr int kRowSteps = kRows / 16;  // rows of a thread, 16 apart
constexpr int kRowSlotBytes = kRows * kFloatSlotK * 4;
constexpr int kSlotBytes = kRowSlotBytes + kPanels * kFloatSlotK * kPanel * 4;
constexpr int kSumStride = kPanels * kPanel + 4;
static_assert(kRows * kSumStride * 4 <= kStages * kSlotBytes);

/** Byte of a slot's panels where 4 columns of one k lie. Panels side by side have their halves swapped, so
 * that the 16 threads that read the same columns of 4 panels meet all banks. */
__device__ __forceinline__ int panel_byte(int k, int panel, int quad) {
  return ((k * kPanels + panel) * 8 + (quad ^ (panel & 1) << 2)) * 16;
}

template <Side S>
class FloatGemm {
 public:
  __device__ __forceinline__ static void run(const ExpertsTask& task) {
    __shared__ __align__(128) unsigned char slots[kStages * kSlotBytes];
    const Operands product(task);
    ExpertWalk walk(task, kRows, (product.panels + kPanels - 1) / kPanels);
    ExpertTile tile;
    for (int64_t number = blockIdx.x; walk.find(number, &tile); number += gridDim.x)
      run_tile(product, tile, slots);
  }

 private:
  using Operands = Product<S, DMOE_FORMAT_F32, float>;

  struct Copies {
    FloatRow row;  // of A; each thread copies 4 k of one row
    const uint8_t* panels;
    int64_t bytes_per_panel;
    int32_t panel_count;  // that exist
    int32_t k;
  };

  __device__ __forceinline__ static void copy(const Copies& from, int32_t first, unsigned char* slot) {
    copy_floats(from.row, first + threadIdx.x % 4 * 4, from.k, slot + threadIdx.x * 16);
    for (int piece = threadIdx.x; piece < kFloatSlotK * kPanels * 8; piece += kThreads) {
      const int k = piece / (kPanels * 8), panel = piece / 8 % kPanels, quad = piece % 8;
      const bool real = first + k < from.k && panel < from.panel_count;
      const uint8_t* at =
          real ? from.panels + panel * from.bytes_per_panel + (int64_t{first} + k) * kPanel * 4 + quad * 16
               : from.panels;
      cp_async16(slot + kRowSlotBytes + panel_byte(k, panel, quad), at, real ? 16 : 0);
    }
  }

  /** sums += x w for one k of a slot. */
  __device__ __forceinline__ static void add(const unsigned char* slot, int k, const float (&x)[kRowSteps],
                                             float (&sums)[kRowSteps][8]) {
    const int panel = threadIdx.x % 16 / 4, quad = threadIdx.x % 4;
    const float4 low = *reinterpret_cast<const float4*>(slot + kRowSlotBytes + panel_byte(k, panel, quad));
    const float4 high =
        *reinterpret_cast<const float4*>(slot + kRowSlotBytes + panel_byte(k, panel, quad + 4));
    const float w[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int i = 0; i < kRowSteps; ++i)
#pragma unroll
      for (int c = 0; c < 8; ++c) sums[i][c] = fmaf(w[c], x[i], sums[i][c]);
  }

  __device__ __forceinline__ static void multiply_whole(const unsigned char* slot,
                                                        float (&sums)[kRowSteps][8]) {
#pragma unroll
    for (int k = 0; k < kFloatSlotK; k += 4) {
      float4 x[kRowSteps];
#pragma unroll
      for (int i = 0; i < kRowSteps; ++i) {
        x[i] = *reinterpret_cast<const float4*>(slot + ((threadIdx.x / 16 + 16 * i) * kFloatSlotK + k) * 4);
      }
      add(slot, k, {x[0].x, x[1].x, x[2].x, x[3].x}, sums);
      add(slot, k + 1, {x[0].y, x[1].y, x[2].y, x[3].y}, sums);
      add(slot, k + 2, {x[0].z, x[1].z, x[2].z, x[3].z}, sums);
      add(slot, k + 3, {x[0].w, x[1].w, x[2].w, x[3].w}, sums);
    }
  }
  /** The first `count` k. */
  __device__ __forceinline__ static void multiply_some(const unsigned char* slot, int count,
                                                       float (&sums)[kRowSteps][8]) {
#pragma unroll 1
    for (int k = 0; k < count; ++k) {
      float x[kRowSteps];
#pragma unroll
      for (int i = 0; i < kRowSteps; ++i) {
        x[i] = *reinterpret_cast<const float*>(slot + ((threadIdx.x / 16 + 16 * i) * kFloatSlotK + k) * 4);
      }
      add(slot, k, x, sums);
    }
  }

  __device__ __forceinline__ static void run_tile(const Operands& product, const ExpertTile& tile,
                                                  unsigned char* slots) {
    const int32_t first_panel = tile.columns * kPanels;
    Copies from;
    const int32_t copied_row = threadIdx.x / 4;
    from.row = float_row(product, tile, copied_row);
    from.panels = product.panel(tile.expert, first_panel);
    from.bytes_per_panel = product.bytes_per_panel;
    from.panel_count = min(kPanels, product.panels - first_panel);
    from.k = product.k;

    float sums[kRowSteps][8];
#pragma unroll
    for (int i = 0; i < kRowSteps; ++i)
#pragma unroll
      for (int c = 0; c < 8; ++c) sums[i][c] = 0.0f;

#pragma unroll 1
    for (int32_t s = 0; s < kStages - 1; ++s) {
      if (s * kFloatSlotK < product.k) copy(from, s * kFloatSlotK, slots + s * kSlotBytes);
      cp_async_commit();
    }
    int read = 0, write = kStages - 1;
    for (int32_t k = 0; k < product.k; k += kFloatSlotK) {
      cp_async_wait<kStages - 2>();
      __syncthreads();  // everybody's part of slot `read` has landed, and nobody reads slot `write` any more
      const int32_t ahead = k + (kStages - 1) * kFloatSlotK;
      if (ahead < product.k) copy(from, ahead, slots + write * kSlotBytes);
      cp_async_commit();
      if (product.k - k >= kFloatSlotK) {
        multiply_whole(slots + read * kSlotBytes, sums);
      } else {
        multiply_some(slots + read * kSlotBytes, product.k - k, sums);
      }
      read = read + 1 == kStages ? 0 : read + 1;
      write = write + 1 == kStages ? 0 : write + 1;
    }
    __syncthreads();  // the slots are free: groups still open are empty
    store(product, tile, first_panel, sums, reinterpret_cast<float*>(slots));
    __syncthreads();  // the next tile copies into the slots
  }

  __device__ __forceinline__ static void store(const Operands& product, const ExpertTile& tile,
                                               int32_t first_panel, const float (&sums)[kRowSteps][8],
                                               float* staged) {
    const int columns = threadIdx.x % 16, row = threadIdx.x / 16;
#pragma unroll
    for (int i = 0; i < kRowSteps; ++i) {
      float* at = staged + (row + 16 * i) * kSumStride + columns / 4 * kPanel + columns % 4 * 4;
      *reinterpret_cast<float4*>(at) = float4{sums[i][0], sums[i][1], sums[i][2], sums[i][3]};
      *reinterpret_cast<float4*>(at + kHalfPanel) = float4{sums[i][4], sums[i][5], sums[i][6], sums[i][7]};
    }
    __syncthreads();
    const int32_t panels = min(kPanels, product.panels - first_panel);
    for (int32_t p = 0; p < panels; ++p) {
      store_panel<S, kSumStride, 1, float>(product, tile, first_panel + p, 0, {staged + p * kPanel, 0, kRows},
                                           threadIdx.x, kThreads);
    }
  }
};

}  // namespace

extern "C" __global__ void __launch_bounds__(kThreads, 2) dmoe_up_f32(const ExpertsTask task) {
  FloatGemm<Side::kUp>::run(task);
}
extern "C" __global__ void __launch_bounds__(kThreads, 2) dmoe_down_f32(const ExpertsTask task) {
  FloatGemm<Side::kDown>::run(task);
}

}  // namespace dmoe::cuda
