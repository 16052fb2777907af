// One chunk of a batch on a device: where its arrays lie, and the steps that make it.
//
// The workspace is [inputs][outputs][scratch]; the staging memory is [inputs][outputs] at the same places, so
// that what goes in and what comes out is one copy each.
#ifndef DYNAMICMOE_CUDA_HOST_CHUNK_HPP_
#define DYNAMICMOE_CUDA_HOST_CHUNK_HPP_

#include <cstdint>

#include "engine/router.hpp"
#include "host/lane.hpp"
#include "host/weights.hpp"

namespace dmoe::cuda {

/** What the steps of a chunk are made of. Lives in the device layer. */
struct ChunkSetup {
  const Device* device;
  const Router* router;
  const DeviceGate* gate;
  const DeviceExperts* routed;
  const DeviceExperts* shared;  // or nullptr
  const float* shared_gate;     // device address, or nullptr
};

/** What a call's chunks have in common. */
struct ChunkShape {
  int64_t tokens = 0;  // of the largest chunk
  int32_t slots = 0;
  int32_t used_slots = 0;           // most that a token uses
  const RouteCall* call = nullptr;  // nullptr: routes are given
  bool routes = false;              // decides
  bool runs = false;                // runs the experts
  bool takes_hidden = false;        // hidden comes from the host
  bool gives_output = false;        // output goes to the host
  bool given_scores = false;        // the caller's scores are in device memory already
  // Decisions that go to the host.
  bool gives_routes = false;
  bool counts = false, scores = false, logits = false, gaps = false;
};

/** Byte offsets; kNone = there is no such array. */
struct ChunkLayout {
  static constexpr std::size_t kNone = SIZE_MAX;

  ChunkLayout(const ChunkSetup& setup, const ChunkShape& shape);

  std::size_t in_values, in_scores, in_counts, in_gap_limits, in_positions, in_bias, in_mask, in_ids,
      in_weights, in_hidden;
  std::size_t outputs;  // where they begin; inputs end
  std::size_t cleared;  // bytes from `failures` on that are kNoFailure before the first kernel
  std::size_t failures, arrivals, offsets, ids, weights, counts, scores, gaps, logits, out;
  std::size_t scratch;  // where it begins; outputs end, and with them the staging memory
  std::size_t sliced_logits, own_ids, own_weights, rounded, tile_counts, token_of, rows, h, y, shared_h,
      shared_y, shared_weights;
  std::size_t bytes;
};

/** Arrays of a chunk: base addresses and offsets put together. */
struct ChunkMemory {
  DevicePointer device;
  std::byte* host;

  template <typename T>
  T* on_device(std::size_t offset) const noexcept {
    return offset == ChunkLayout::kNone ? nullptr
                                        : reinterpret_cast<T*>(static_cast<uintptr_t>(device + offset));
  }
  template <typename T>
  T* on_host(std::size_t offset) const noexcept {
    return offset == ChunkLayout::kNone ? nullptr : reinterpret_cast<T*>(host + offset);
  }
};

/** Device addresses outside the workspace that a chunk reads and writes; nullptr = the workspace's own. */
struct ChunkRefs {
  const float* hidden = nullptr;
  int64_t hidden_stride = 0;
  float* output = nullptr;
  int64_t output_stride = 0;
  const float* given_scores = nullptr;
  int32_t* ids = nullptr;
  float* weights = nullptr;
  int32_t* counts = nullptr;
  float* scores = nullptr;
  float* logits = nullptr;
  float* gaps = nullptr;
};

/** The steps of one chunk, for a lane's program. */
class Chunk {
 public:
  /** @param first the chunk's first token in the batch @param tokens of this chunk */
  Chunk(const ChunkSetup& setup, const ChunkShape& shape, const ChunkLayout& layout,
        const ChunkMemory& memory, const ChunkRefs& refs, int64_t first, int64_t tokens)
      : setup_(setup),
        shape_(shape),
        layout_(layout),
        memory_(memory),
        refs_(refs),
        first_(first),
        tokens_(tokens) {}

  /** Writes a call's arrays and values into the staging memory. */
  void stage_params() const;
  void stage_hidden(const MatrixView& hidden) const;
  void stage_routes(const int32_t* ids, const float* weights) const;
  /** Adds all steps: copies in, decisions, plan, experts, sum, copies out. */
  void add_steps(Program& program) const;

 private:
  void add_route(Program& program) const;
  void add_plan(Program& program) const;
  void add_experts(Program& program) const;
  void add_products(Program& program, const DeviceExperts& experts, ExpertsTask task, int32_t slots,
                    const char* up, const char* down) const;
  void add_shared(Program& program) const;
  void add_combine(Program& program) const;

  template <typename T>
  T* own(std::size_t offset) const noexcept {
    return memory_.on_device<T>(offset);
  }
  const float* hidden() const noexcept {
    return refs_.hidden ? refs_.hidden : own<const float>(layout_.in_hidden);
  }
  int64_t hidden_stride() const noexcept {
    return refs_.hidden ? refs_.hidden_stride : setup_.router->hidden();
  }
  const int32_t* ids() const noexcept;
  const float* weights() const noexcept;
  bool rounds() const noexcept;
  int64_t rounded_stride() const noexcept;

  const ChunkSetup& setup_;
  const ChunkShape& shape_;
  const ChunkLayout& layout_;
  ChunkMemory memory_;
  ChunkRefs refs_;
  int64_t first_;
  int64_t tokens_;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_CHUNK_HPP_
