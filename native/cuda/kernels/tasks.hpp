// What the host hands to a kernel: every entry takes one of these structs by value. Shared by kernels, host code and tests.
//
// Pointers are device addresses. T = tokens, D = hidden size, E = experts, F = expert width, R = routes, S = shared experts.
// Sizes are int32: a launch takes at most 2^31 - 1 tokens, and T * slots must fit as well; offsets in bytes are computed in 64 bits.
#ifndef DYNAMICMOE_CUDA_KERNELS_TASKS_HPP_
#define DYNAMICMOE_CUDA_KERNELS_TASKS_HPP_

#include <stdint.h>

namespace dmoe::cuda {

/** What went wrong, written with atomicMin; the host sets all fields to kNone (INT32_MAX) before a call and reads them after it. */
struct Failures {
  int32_t not_finite;  // lowest token with a logit that is not finite
  int32_t unbalanced;  // lowest token with fewer than kmin usable experts
  int32_t overflow;    // lowest token whose output is not finite
  int32_t negative;    // score.cu: lowest row of attention weights with one below 0
};
constexpr int32_t kNoFailure = 0x7fffffff;

/** What differs from call to call where everything else repeats: a budget moves the limits, a seed is drawn anew. In device memory,
 * so that a graph of a call serves the next. */
struct RouteValues {
  float count_offset, gap_limit, top_p;  // gap_limit = -ln tau
  uint64_t noise_seed;
  int64_t first_position;  // of row 0 when positions is NULL
};

/** route.cu: logits (dmoe_route) or given logits (dmoe_decide) -> decisions. E <= 512. */
struct RouteTask {
  const float* hidden;        // [T, D]; dmoe_route only
  int64_t hidden_stride;      // elements between rows
  const float* gate_weights;  // [D, padded_experts], k-major, aligned to 16 bytes; dmoe_route only
  const float* gate_bias;     // [padded_experts] or NULL; dmoe_route only
  float* logits;              // [T, logits_stride]; dmoe_route: [out] or NULL, noise included; dmoe_decide: [in], noise is added in place
  int64_t logits_stride;
  int32_t tokens, hidden_size, experts;
  int32_t padded_experts;  // E rounded up to 32
  // Rules of the router, see dmoe_router_options.
  int32_t gate, trained_k, groups, top_groups, top2_sum;
  float routed_scale;
  float log_experts;  // ln E, as the CPU's router has it
  // Rules of the call, see dmoe_route_params.
  int32_t strategy, weighting, min_experts, max_experts, score_source;
  float noise_factor;
  const RouteValues* values;
  const float* given_scores;      // [T] or NULL
  const int32_t* given_counts;    // [T] or NULL
  const float* gap_limits;        // [T] in place of RouteValues::gap_limit, or NULL
  const int64_t* positions;       // [T] or NULL
  const float* selection_bias;    // [E] or NULL
  const uint8_t* expert_mask;     // [E] 0 = not usable, or NULL
  int32_t ranked;                 // choices to put in order (engine/router.hpp RouteCall)
  float* sliced_logits;           // scratch [T, padded_experts] for blocks that share a token's experts (launch.hpp route_slices), or NULL: none do
  int32_t* arrivals;              // scratch [ceil(T / 4)], kNoFailure before the launch; with sliced_logits
  int32_t slots;
  int32_t* ids;      // [out] [T, slots]
  float* weights;    // [out] [T, slots]
  int32_t* counts;   // [out] [T] or NULL
  float* scores;     // [out] [T] or NULL
  float* gaps;       // [out] [T, slots] or NULL
  Failures* failures;
};

/** score.cu: one figure per row (ops/score/score.hpp). A row that holds NaN or infinity goes to Failures::not_finite. */
struct ScoreTask {
  const float* data;  // [rows, columns]
  int64_t stride;
  int32_t rows, columns;
  float* scores;      // [out] [rows]
  int32_t sigmoid;    // margin: rows are logits of a sigmoid gate
  float temperature;  // entropy and attention, > 0
  float epsilon;      // attention, >= 0
  int32_t normalise;  // entropy: over ln(columns), within 0..1, as dmoe_score_softmax_entropy has it; else in nats
  Failures* failures;
};

/** Figures per (token, head) -> one per token, as dmoe_score_attention_entropy does it. */
struct HeadsTask {
  const float* entropies;  // [tokens * heads] in nats
  const int32_t* visible;  // [tokens] keys that a token sees, or NULL = keys; below 2 gives 0
  int32_t tokens, heads, keys;
  int32_t aggregation;  // dmoe_head_aggregation
  float* scores;        // [out] [tokens]
};

/** plan.cu: routes in order of expert (ops/plan/plan.hpp): count per tile, one scan, scatter. */
struct PlanTask {
  const int32_t* ids;  // [T, slots], -1 = unused
  int32_t tokens, slots, experts;
  int32_t tiles;          // of kPlanTile slots each (launch.hpp plan_tiles)
  int32_t* tile_counts;   // scratch [tiles, E]: counts, then first places
  int32_t* offsets;       // [out] [E + 1]
  int32_t* token_of;      // [out] [R]
  int32_t* rows;          // [out] [T, slots] place of the slot or -1
  int64_t* expert_routes; // [out] [E] or NULL
};
constexpr int32_t kPlanTile = 1024;

/** experts_*.cu: rows of x gathered by the plan -> h, and h -> y (ops/experts/experts.hpp). Layouts: kernels/weights.hpp. */
struct ExpertsTask {
  const void* input;      // [T, D] float for f32, bfloat16 for the others
  int64_t input_stride;   // elements between rows
  const uint8_t* weights; // of expert 0; expert e lies expert_bytes * e further
  int64_t expert_bytes;
  int32_t kind, experts, hidden_size, width;
  int32_t use_bias;
  const int32_t* offsets;   // [E + 1] of the plan; NULL = every expert takes all tokens (shared experts): row e * T + t
  const int32_t* token_of;  // [R] of the plan; NULL with offsets
  int32_t tokens;
  void* h;    // [R, h_stride] float for f32, bfloat16 for the others
  int64_t h_stride;
  float* y;   // [R, D]
  int64_t y_stride;
};

/** Rounds float rows to bfloat16, nearest even. */
struct RoundTask {
  const float* in;
  int64_t in_stride;
  int32_t rows, columns;
  uint16_t* out;
  int64_t out_stride;  // elements; columns up to the stride are zeroed
};

/** combine.cu: out[t] = routed slots in order, then the shared experts in order (ops/combine/combine.hpp). */
struct CombineTask {
  int32_t tokens, slots, columns;
  const int32_t* rows;   // [T, slots] row of y, -1 = unused
  const float* weights;  // [T, slots]
  const float* y;        // [R, y_stride]
  int64_t y_stride;
  int32_t shared;               // S, 0 = none
  const float* shared_y;        // [S * T, y_stride], row s * T + t
  const float* shared_weights;  // [T], or NULL = 1
  float* out;                   // [T, columns]
  int64_t out_stride;
  Failures* failures;
};

/** weight[t] = sigmoid(dot(hidden[t], gate)) of the shared experts (ops/dense gate_rows). */
struct SharedGateTask {
  const float* hidden;
  int64_t hidden_stride;
  int32_t tokens, hidden_size;
  const float* gate;  // [D]
  float* weights;     // [out] [T]
};

/** norm.cu (ops/norm/norm.hpp). */
struct NormTask {
  const float* in;
  int64_t in_stride;
  int32_t rows, columns;
  const float* weight;  // [columns] or NULL
  const float* bias;    // [columns] or NULL; layer norm only
  float epsilon;
  float* out;  // may be `in`
  int64_t out_stride;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_TASKS_HPP_
