// The experts' work on one block of routed tokens: rounding of the tokens, plan, gate+up+activation,
// down+combine. Three parallel regions, two where nothing is rounded.
#ifndef DYNAMICMOE_ENGINE_EXPERT_PASS_HPP_
#define DYNAMICMOE_ENGINE_EXPERT_PASS_HPP_

#include <atomic>
#include <cstdint>

#include "core/views.hpp"
#include "core/workspace.hpp"
#include "engine/experts.hpp"

namespace dmoe {

/** What a pass is made of. */
struct ExpertPassSetup {
  const Experts* routed = nullptr;
  const Experts* shared = nullptr;     // or nullptr
  const float* shared_gate = nullptr;  // [hidden] or nullptr
  int threads = 1;                     // what region_threads() gave for this call, asked once
};

/** Routes of a block, [tokens, slots]. */
struct RouteBlock {
  const int32_t* ids;  // -1 (anywhere) or 0..E-1
  const float* weights;
  int64_t slots;
};

/** Scratch of passes over at most `tokens` tokens with `slots` slots; one call's, not shared by threads. */
class ExpertPass {
 public:
  /** @param arena measuring or real, see Arena */
  ExpertPass(const ExpertPassSetup& setup, int64_t tokens, int64_t slots, Arena& arena);

  /** Tokens that one pass should take at most, so that a worker's sums stay in its L2 cache. */
  static int64_t block_tokens(const ExpertPassSetup& setup, int64_t slots);

  /** output[t] = sum over slots, in order, of weight * expert(x[t]); then the shared experts, in order.
   *  @param first_token number of the block's first token, for the text of a failure
   *  Throws DMOE_E_OVERFLOW when a result is not finite; the output is undefined then. It names the lowest
   *  such token and its lowest expert whose own result is not finite, however the work was cut. */
  void run(const MatrixView& hidden, const RouteBlock& routes, const OutputView& output, int64_t first_token);

 private:
  static constexpr uint64_t kNoOverflow = ~uint64_t{0};
  static constexpr int64_t kUpRows = 128;  // rows of a unit of the up product

  struct Work {  // one active expert
    const Experts* experts;
    ExpertView view;
    const void* const* inputs;  // rows of x
    int64_t first_row;
    int64_t rows;
    std::byte* activations;   // its rows of h
    int64_t panels_per_unit;  // of the up product
    int64_t panel_units;      // units across the panels; row blocks multiply them
  };

  void plan(const RouteBlock& routes);
  void prepare(const MatrixView& hidden);
  const void* input(const Experts* experts, const std::byte* operands, const MatrixView& hidden,
                    int64_t token) const;
  void point_inputs(const MatrixView& hidden);
  void list_work();
  void add_work(const Experts* experts, int64_t expert, int64_t first_row, int64_t rows,
                const void* const* inputs, std::byte* activations);
  void cut_units();
  void up_unit(int64_t unit, int worker);
  void down_unit(int64_t unit, int worker, const RouteBlock& routes, const OutputView& output);
  void note_overflow(const RouteBlock& routes, int64_t token, const float* sums, int64_t stride,
                     int64_t columns);
  void require_finite(int64_t first_token) const;

  ExpertPassSetup setup_;
  int64_t shared_count_;  // shared experts
  int64_t slots_;         // routed slots, then one slot per shared expert
  int64_t tokens_ = 0;
  // The plan. Rows of h are numbered by expert: routed ones first, then one per token for each shared expert.
  int64_t routed_rows_ = 0;
  int64_t* offsets_;                // [E + 1] first row of each expert
  int32_t* token_of_;               // [routed rows]
  int32_t* routed_slot_rows_;       // [tokens, routed slots] row of each slot, -1 = unused
  int32_t* all_rows_;               // [tokens, slots_] with the shared experts' slots
  float* all_weights_;              // [tokens, slots_]
  const int32_t* rows_ = nullptr;   // one of the two
  const float* weights_ = nullptr;  // the routes' own or all_weights_
  float* shared_weights_;           // [tokens]
  // Operands.
  std::byte* routed_operands_;  // [tokens] hidden states in the routed experts' format; unused for f32
  std::byte* shared_operands_;  // the same for the shared ones; the routed ones' when the formats are equal
  const void** routed_inputs_;  // [routed rows]
  const void** shared_inputs_;  // [tokens]
  std::byte* routed_h_;         // [routed rows, hidden_row_bytes of the routed experts]
  std::byte* shared_h_;         // [tokens * shared experts, hidden_row_bytes of the shared ones]
  const void** down_inputs_;    // [rows]
  float* scratch_;              // [threads, scratch_floats_]
  int64_t scratch_floats_;
  // Active experts, and the units that their work is cut into.
  Work* work_;
  int64_t work_count_ = 0;
  int64_t* unit_start_;                          // [work + 1] first unit of each
  int64_t down_panels_ = 0;                      // per unit
  std::atomic<uint64_t> overflow_{kNoOverflow};  // the lowest blame that was found, see note_overflow
};

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_EXPERT_PASS_HPP_
