/* dynamicmoe.h: the whole C ABI of the DynamicMoE native core (C11).
 *
 * Conventions
 * - Every struct starts with struct_size = the caller's sizeof. A smaller (older) struct gets the defaults named
 *   here for the fields that it lacks; a larger one is accepted when the unknown tail is zero.
 * - Matrices are row-major float32 unless a field says otherwise. "[in]" is read, "[out]" is written.
 * - Every function that can fail returns dmoe_status and, on failure, leaves its outputs untouched (the one
 *   exception is DMOE_E_OVERFLOW) and sets a text for the calling thread: dmoe_last_error().
 * - Objects may be used by many threads at once once they are built; *_create, *_set and *_destroy may not run
 *   beside other calls on the same object. Destroy accepts NULL. A layer keeps what it was made of alive.
 * - T = tokens, D = hidden size, E = experts, F = expert width, R = routes (sum of experts over tokens).
 */
#ifndef DYNAMICMOE_DYNAMICMOE_H_
#define DYNAMICMOE_DYNAMICMOE_H_

#include <stdint.h>

#if defined(__GNUC__)
#define DMOE_API __attribute__((visibility("default")))
#else
#define DMOE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this ABI: major = breaking, minor = additive. */
typedef enum dmoe_abi {
  DMOE_ABI_MAJOR = 1, /**< callers must match it */
  DMOE_ABI_MINOR = 3  /**< the library's must be at least the caller's */
} dmoe_abi;

/** Result of a call. Values are never renumbered. */
typedef enum dmoe_status {
  DMOE_OK = 0,              /**< done */
  DMOE_E_ARGUMENT = 10,     /**< null, overlapping or otherwise unusable argument */
  DMOE_E_SHAPE = 11,        /**< a shape, stride or count does not fit */
  DMOE_E_NOT_FINITE = 12,   /**< NaN or infinity in an input; the text names the lowest offending token or row */
  DMOE_E_OPTIONS = 13,      /**< an option is out of its range, or two contradict each other */
  DMOE_E_STATE = 14,        /**< the object is not complete, e.g. an expert without weights */
  DMOE_E_BALANCE = 15,      /**< fewer usable experts than min_experts, or a limit that leaves fewer */
  DMOE_E_OVERFLOW = 16,     /**< finite input gave a non-finite output; names token and expert; output undefined */
  DMOE_E_NO_MEMORY = 20,    /**< host memory */
  DMOE_E_DEVICE_MEMORY = 21,/**< device memory */
  DMOE_E_BACKEND = 30,      /**< instruction set or device not usable here */
  DMOE_E_INTERNAL = 99      /**< a defect of this library */
} dmoe_status;

/** Element type of weights handed in. */
typedef enum dmoe_dtype {
  DMOE_DTYPE_F32 = 0,  /**< IEEE binary32 */
  DMOE_DTYPE_BF16 = 1, /**< bfloat16 */
  DMOE_DTYPE_F16 = 2   /**< IEEE binary16 */
} dmoe_dtype;

/** How packed weights are kept. */
typedef enum dmoe_format {
  DMOE_FORMAT_F32 = 0, /**< float32 weights and activations */
  DMOE_FORMAT_BF16 = 1,/**< bfloat16 weights, activations rounded to bfloat16 (nearest even), float32 sums */
  DMOE_FORMAT_Q8 = 2,  /**< weights -127..127 in blocks of 32 along the inner dimension, one float16 scale each; activations likewise, float32 scale */
  DMOE_FORMAT_Q4 = 3   /**< weights -8..7 in blocks of 32, one float16 scale each; activations as for Q8 */
} dmoe_format;

/** Instruction-set level of the kernels. Levels never mix within one object. */
typedef enum dmoe_isa {
  DMOE_ISA_AUTO = 0,        /**< best level that this machine runs, or what DYNAMIC_MOE_ISA names */
  DMOE_ISA_SCALAR = 1,      /**< portable C++ */
  DMOE_ISA_AVX2 = 2,        /**< AVX2, FMA, F16C */
  DMOE_ISA_AVX512 = 3,      /**< AVX-512 F, BW, DQ, VL */
  DMOE_ISA_AVX512VNNI = 4,  /**< AVX512 level and VNNI */
  DMOE_ISA_AVX512BF16 = 5,  /**< AVX512VNNI level and BF16 */
  DMOE_ISA_NEON = 6         /**< AArch64 */
} dmoe_isa;

/** Turns logits into probabilities. */
typedef enum dmoe_gate {
  DMOE_GATE_SOFTMAX = 0, /**< over all experts */
  DMOE_GATE_SIGMOID = 1  /**< each expert by itself */
} dmoe_gate;

/** Ranks groups of experts when groups > 1. */
typedef enum dmoe_group_score {
  DMOE_GROUP_MAX = 0,     /**< best q of the group (DeepSeek-V2) */
  DMOE_GROUP_TOP2_SUM = 1 /**< sum of the two best q (DeepSeek-V3) */
} dmoe_group_score;

/** When selection stops. */
typedef enum dmoe_strategy {
  DMOE_STRATEGY_TOP_K = 0,     /**< after k experts, k from the score */
  DMOE_STRATEGY_THRESHOLD = 1, /**< before the first expert with p(i) < tau * p(1) */
  DMOE_STRATEGY_TOP_P = 2      /**< once the taken share of probability reaches top_p */
} dmoe_strategy;

/** Makes weights of the selected experts' probabilities. */
typedef enum dmoe_weighting {
  DMOE_WEIGHT_RENORMALIZE = 0,   /**< sums to 1 over the selection */
  DMOE_WEIGHT_TRAINED_SCALE = 1, /**< p over the sum of p of the trained_k experts that the static rule picks */
  DMOE_WEIGHT_RAW = 2            /**< p */
} dmoe_weighting;

/** Where a token's complexity score comes from. */
typedef enum dmoe_score {
  DMOE_SCORE_HALF = 0,           /**< 0.5 for every token: no calibration yet */
  DMOE_SCORE_SUPPLIED = 1,       /**< dmoe_route_params.scores */
  DMOE_SCORE_ROUTER_MARGIN = 2,  /**< p(2)/p(1); 1 = ambiguous */
  DMOE_SCORE_ROUTER_ENTROPY = 3  /**< entropy of p over ln E */
} dmoe_score;

/** The function inside an expert. */
typedef enum dmoe_expert_kind {
  DMOE_EXPERT_SWIGLU = 0,    /**< down(silu(gate x) * up x) */
  DMOE_EXPERT_GELU = 1,      /**< down(gelu(up x)), gelu by erf */
  DMOE_EXPERT_GELU_TANH = 2, /**< down(gelu(up x)), gelu by tanh */
  DMOE_EXPERT_RELU = 3,      /**< down(relu(up x)) */
  DMOE_EXPERT_SILU = 4,      /**< down(silu(up x)) */
  DMOE_EXPERT_LINEAR = 5     /**< up x, with up [hidden, hidden] */
} dmoe_expert_kind;

/** What happens to a route over an expert's capacity. */
typedef enum dmoe_overflow {
  DMOE_OVERFLOW_DROP = 0,   /**< dropped; the token's weights are renormalised over what is left */
  DMOE_OVERFLOW_REROUTE = 1 /**< to the token's next choice with room; dropped when none has */
} dmoe_overflow;

/** Aggregates a value over attention heads. */
typedef enum dmoe_head_aggregation {
  DMOE_HEADS_MEAN = 0, /**< arithmetic mean */
  DMOE_HEADS_MAX = 1,  /**< largest */
  DMOE_HEADS_MIN = 2   /**< smallest */
} dmoe_head_aggregation;

/** Complexity signals that a device computes. */
typedef enum dmoe_device_score_kind {
  DMOE_DEVICE_SCORE_L2_NORM = 0,          /**< dmoe_score_l2_norm */
  DMOE_DEVICE_SCORE_SOFTMAX_ENTROPY = 1,  /**< dmoe_score_softmax_entropy */
  DMOE_DEVICE_SCORE_SOFTMAX_MARGIN = 2,   /**< dmoe_score_softmax_margin */
  DMOE_DEVICE_SCORE_ATTENTION_ENTROPY = 3 /**< dmoe_score_attention_entropy */
} dmoe_device_score_kind;

typedef struct dmoe_router dmoe_router;   /* gate weights and the family's gating rules */
typedef struct dmoe_experts dmoe_experts; /* packed expert weights */
typedef struct dmoe_layer dmoe_layer;     /* router + experts + workspaces */
typedef struct dmoe_linear dmoe_linear;   /* packed dense weights */
typedef struct dmoe_device dmoe_device;   /* a GPU: context, kernels, memory pool */
typedef struct dmoe_device_layer dmoe_device_layer; /* a layer's copy on a device */
typedef struct dmoe_completion dmoe_completion;     /* the end of one asynchronous call */

/** A read-only row-major matrix. */
typedef struct dmoe_matrix_f32 {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_matrix_f32) */
  const float *data;  /**< [rows, columns]; may be NULL only when rows is 0 */
  int64_t rows;       /**< >= 0 */
  int64_t columns;    /**< >= 1 */
  int64_t row_stride; /**< elements between rows, >= columns */
} dmoe_matrix_f32;

/** A writable row-major matrix. */
typedef struct dmoe_output_f32 {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_output_f32) */
  float *data;        /**< [rows, columns]; must not overlap any input */
  int64_t rows;       /**< >= 0 */
  int64_t columns;    /**< >= 1 */
  int64_t row_stride; /**< elements between rows, >= columns */
} dmoe_output_f32;

/** What runs here, and why. Strings are static. */
typedef struct dmoe_runtime_info {
  uint32_t struct_size;       /**< the caller's sizeof(dmoe_runtime_info) */
  uint32_t abi_version;       /**< major << 16 | minor */
  int32_t isa;                /**< dmoe_isa in force for DMOE_ISA_AUTO */
  int32_t isa_supported;      /**< bit (1 << dmoe_isa) set for each level that runs here */
  int32_t logical_cpus;       /**< in this process's affinity mask */
  int32_t physical_cores;     /**< distinct cores among them */
  int32_t pool_threads;       /**< threads a parallel region may use, the caller included */
  int32_t cgroup_version;     /**< 0 = none found, 1 or 2 */
  double cpu_quota;           /**< cores granted by the cgroup, 0 = no limit */
  int64_t l2_bytes;           /**< per core, 0 = unknown */
  int64_t l3_bytes;           /**< all of it, 0 = unknown */
  int64_t allocated_bytes;    /**< now held by this library */
  int64_t allocation_count;   /**< allocations ever made by this library */
  const char *library_version;/**< e.g. "0.1.0" */
  const char *cpu_name;       /**< as the processor calls itself */
  const char *isa_reason;     /**< why this level, one sentence */
  const char *cuda_reason;    /**< what was found of CUDA, or why there is none, one sentence */
  int64_t calls_running;      /**< calls of layers and dense products that hold a core now */
  int64_t calls_waiting;      /**< such calls that wait for a core now */
} dmoe_runtime_info;

/** Gating rules of a router. */
typedef struct dmoe_router_options {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_router_options) */
  int32_t hidden;       /**< D, 1..1048576 */
  int32_t experts;      /**< E, 1..4096 */
  int32_t gate;         /**< dmoe_gate */
  int32_t trained_k;    /**< experts per token in training, 1..experts */
  int32_t groups;       /**< groups of equal size, 1..experts, divides experts; 1 = none */
  int32_t top_groups;   /**< groups kept, 1..groups */
  int32_t group_score;  /**< dmoe_group_score */
  float routed_scale;   /**< factor on every weight, finite and > 0 */
  int32_t max_tokens;   /**< tokens per chunk, 1..1048576; sizes the workspaces */
  int32_t threads;      /**< most threads a call uses, 0 = the pool's */
  int32_t isa;          /**< dmoe_isa */
} dmoe_router_options;

/** One call's routing decisions. Pointers may be NULL where "or NULL" is said. */
typedef struct dmoe_route_params {
  uint32_t struct_size;        /**< the caller's sizeof(dmoe_route_params) */
  int32_t strategy;            /**< dmoe_strategy */
  int32_t weighting;           /**< dmoe_weighting */
  int32_t min_experts;         /**< kmin, 1..max_experts */
  int32_t max_experts;         /**< kmax, min_experts..experts */
  int32_t score_source;        /**< dmoe_score; drives the count under DMOE_STRATEGY_TOP_K */
  float count_offset;          /**< o(layer), added to the count before rounding; finite */
  float tau;                   /**< threshold strategy: 0 <= tau <= 1 */
  float top_p;                 /**< top_p strategy: 0 < mass <= 1 */
  float noise_factor;          /**< >= 0; 0 = no noise */
  uint64_t noise_seed;         /**< key of the noise */
  const float *scores;         /**< [T] in [0,1] for DMOE_SCORE_SUPPLIED, or NULL */
  const int32_t *counts;       /**< [T] experts per token in place of scores, each clamped to kmin..kmax, or NULL */
  const float *token_taus;     /**< [T] threshold per token in place of tau, or NULL */
  const int64_t *positions;    /**< [T] position ids that key the noise, or NULL for 0,1,2.. */
  const float *selection_bias; /**< [E] added to p for choosing only, finite, or NULL */
  const uint8_t *expert_mask;  /**< [E] 0 = not usable, or NULL */
} dmoe_route_params;

/** Routing decisions. Every pointer but ids and weights may be NULL. */
typedef struct dmoe_routes {
  uint32_t struct_size;   /**< the caller's sizeof(dmoe_routes) */
  int32_t slots;          /**< columns of ids, weights and gaps: >= max_experts */
  int64_t tokens;         /**< rows */
  int32_t *ids;           /**< [out] [tokens, slots] falling preference; -1 = unused */
  float *weights;         /**< [out] [tokens, slots]; 0 where unused */
  int32_t *counts;        /**< [out] [tokens] experts used */
  float *scores;          /**< [out] [tokens] complexity in [0,1] */
  float *logits;          /**< [out] [tokens, experts], noise included */
  float *gaps;            /**< [out] [tokens, slots] l(1)-l(i) of the i-th choice (sigmoid: -ln(p(i)/p(1))), before any stop; +inf where masked */
  int64_t *expert_routes; /**< [out] [experts] routes per expert of this call, after capacity */
} dmoe_routes;

/** Figures of one call. */
typedef struct dmoe_batch_report {
  uint32_t struct_size;       /**< the caller's sizeof(dmoe_batch_report) */
  int32_t distinct_experts;   /**< experts with at least one route */
  int64_t tokens;             /**< T */
  int64_t routes;             /**< R, after capacity */
  int64_t max_expert_routes;  /**< largest load of one expert */
  int64_t overflow_routes;    /**< routes over capacity before drop or reroute */
  int64_t dropped_routes;     /**< routes dropped */
} dmoe_batch_report;

/** Shape and storage of a set of experts. */
typedef struct dmoe_experts_options {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_experts_options) */
  int32_t experts;      /**< E, 1..4096 */
  int32_t hidden;       /**< D, 1..1048576 */
  int32_t width;        /**< F, 1..1048576; must be hidden for DMOE_EXPERT_LINEAR */
  int32_t kind;         /**< dmoe_expert_kind */
  int32_t format;       /**< dmoe_format */
  int32_t use_bias;     /**< 0 or 1 */
  int32_t isa;          /**< dmoe_isa */
} dmoe_experts_options;

/** Weights of one expert; copied (packed) by dmoe_experts_set. */
typedef struct dmoe_expert_weights {
  uint32_t struct_size;   /**< the caller's sizeof(dmoe_expert_weights) */
  int32_t dtype;          /**< dmoe_dtype of gate, up and down */
  const void *gate;       /**< [width, hidden] for SwiGLU, else NULL */
  const void *up;         /**< [width, hidden]; LINEAR: [hidden, hidden] */
  const void *down;       /**< [hidden, width]; NULL for LINEAR */
  const float *gate_bias; /**< [width] or NULL */
  const float *up_bias;   /**< [width] or NULL */
  const float *down_bias; /**< [hidden] or NULL */
} dmoe_expert_weights;

/** A layer's resources and what joins the routed experts. */
typedef struct dmoe_layer_options {
  uint32_t struct_size;         /**< the caller's sizeof(dmoe_layer_options) */
  int32_t max_tokens;           /**< tokens per chunk, 1..1048576; larger batches run in chunks */
  int32_t threads;              /**< most threads a call uses, 0 = the pool's */
  const dmoe_experts *shared;   /**< experts that every token uses with weight 1, or NULL */
  const float *shared_gate;     /**< [hidden]: weight = sigmoid(dot) instead of 1, or NULL */
} dmoe_layer_options;

/** Options of one layer call beside routing. */
typedef struct dmoe_layer_params {
  uint32_t struct_size;  /**< the caller's sizeof(dmoe_layer_params) */
  float capacity_factor; /**< routes per expert <= ceil(factor * R / E), R of the whole batch; 0 = unlimited */
  int32_t overflow;      /**< dmoe_overflow */
  int32_t max_distinct;  /**< distinct experts of the whole batch: it keeps to those that are some token's first choice, then by sum of p; before the capacity; >= min_experts, 0 = unlimited */
} dmoe_layer_params;

/** Routes ordered by expert (compressed sparse rows). All buffers are the caller's. */
typedef struct dmoe_plan {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_plan) */
  int32_t experts;      /**< E */
  int64_t capacity;     /**< elements of tokens, at least the number of used slots */
  int64_t *offsets;     /**< [out] [experts + 1]; routes of expert e are offsets[e]..offsets[e+1]-1 */
  int32_t *tokens;      /**< [out] [capacity] token of each route, ascending within an expert */
  int32_t *rows;        /**< [out] [tokens, slots] route of each slot, -1 = unused */
} dmoe_plan;

/** Shape of a dense product y = x W^T + b. */
typedef struct dmoe_linear_options {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_linear_options) */
  int32_t inputs;       /**< K, 1..1048576 */
  int32_t outputs;      /**< N, 1..1048576 */
  int32_t dtype;        /**< dmoe_dtype of the weights */
  int32_t format;       /**< DMOE_FORMAT_F32 or DMOE_FORMAT_BF16 */
  int32_t isa;          /**< dmoe_isa */
  const void *weights;  /**< [outputs, inputs] */
  const float *bias;    /**< [outputs] or NULL */
} dmoe_linear_options;

/** Causal grouped-query attention over a cache. */
typedef struct dmoe_attention_params {
  uint32_t struct_size;   /**< the caller's sizeof(dmoe_attention_params) */
  int32_t query_heads;    /**< a multiple of kv_heads */
  int32_t kv_heads;       /**< >= 1 */
  int32_t head_dim;       /**< 1..1024 */
  int32_t threads;        /**< most threads, 0 = the pool's */
  int32_t window;         /**< keys visible to a query, its own included; 0 = all before it */
  float scale;            /**< factor on the scores, finite and > 0 */
  int64_t queries;        /**< new positions, >= 0 */
  int64_t first_position; /**< cache position of the first query; keys 0..first_position+queries-1 exist */
  int64_t cache_stride;   /**< elements between positions in keys and values, >= kv_heads * head_dim */
  const float *query;     /**< [queries, query_heads * head_dim] */
  const float *keys;      /**< [positions, kv_heads * head_dim] */
  const float *values;    /**< [positions, kv_heads * head_dim] */
  float *output;          /**< [out] [queries, query_heads * head_dim] */
  float *entropy;         /**< [out] [queries, query_heads] entropy of the weights over ln(visible keys), 0 for one key; or NULL */
  int32_t isa;            /**< dmoe_isa */
} dmoe_attention_params;

/** What this machine does at most, measured. Rates are those of all `threads` threads together, per second: with one thread what one
 *  core does while the others rest, with n what n cores do at once, at the clock and from the memory that they share. It is therefore
 *  not n times the figure of one thread; compare a call with the figure of as many threads as it uses. An operation is one
 *  multiplication or one addition. */
typedef struct dmoe_machine_limits {
  uint32_t struct_size;    /**< the caller's sizeof(dmoe_machine_limits) */
  int32_t threads;         /**< [out] threads that worked at once, the caller among them */
  double f32_flops;        /**< [out] operations per second of the level's fused multiply-add, which is two; of multiply and add where it has none */
  double bf16_flops;       /**< [out] operations per second of vdpbf16ps; where the level lacks it two fused multiply-adds per pair, whose limit is that of f32_flops */
  double int8_ops;         /**< [out] operations per second of vpdpbusd; where the level lacks it vpmaddubsw + vpmaddwd + vpaddd, below AVX2 portable code */
  double read_bytes;       /**< [out] bytes read per second, a byte counted once: the best of the six below */
  int32_t read_streams;    /**< [out] streams per thread of the best: 1, 4 or 8 */
  int32_t read_huge_pages; /**< [out] 1 when the best had huge pages advised, else 0 */
  double read_1_small;     /**< [out] one stream per thread, 4 KiB pages */
  double read_4_small;     /**< [out] four streams per thread, 4 KiB pages */
  double read_8_small;     /**< [out] eight streams per thread, 4 KiB pages */
  double read_1_huge;      /**< [out] one stream per thread, huge pages advised */
  double read_4_huge;      /**< [out] four streams per thread, huge pages advised */
  double read_8_huge;      /**< [out] eight streams per thread, huge pages advised */
} dmoe_machine_limits;

/** Memory that calls of an object work in, kept from call to call. */
typedef struct dmoe_workspaces {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_workspaces) */
  int32_t blocks;       /**< held, those in use included */
  int32_t in_use;       /**< by calls that run now */
  int32_t most_in_use;  /**< at a time, ever */
  int64_t bytes;        /**< of all blocks */
  int64_t leases;       /**< uses by a call, ever */
  int64_t allocations;  /**< blocks made, ever */
} dmoe_workspaces;

/** A CUDA device as the driver describes it. Strings are static. */
typedef struct dmoe_device_info {
  uint32_t struct_size;       /**< the caller's sizeof(dmoe_device_info) */
  int32_t index;              /**< the driver's number of the device */
  int32_t usable;             /**< 1 when dmoe_device_open may take it, else 0; `reason` says why not */
  int32_t capability_major;   /**< compute capability, 8 of 8.0 */
  int32_t capability_minor;   /**< compute capability, 0 of 8.0 */
  int32_t multiprocessors;    /**< streaming multiprocessors */
  int32_t clock_khz;          /**< highest clock of the multiprocessors; 0 = the driver does not say */
  int32_t memory_clock_khz;   /**< highest clock of the memory; 0 = the driver does not say */
  int32_t memory_bus_bits;    /**< width of the memory bus */
  int32_t shared_bytes;       /**< shared memory that one block may have */
  int32_t driver_version;     /**< CUDA version of the driver: 1000 major + 10 minor, 12040 of 12.4 */
  int64_t l2_bytes;           /**< level-2 cache */
  int64_t total_bytes;        /**< device memory */
  const char *name;           /**< as the device calls itself */
  const char *reason;         /**< whether it can be used, or why not, one sentence */
} dmoe_device_info;

/** Which device to open, and how. */
typedef struct dmoe_device_options {
  uint32_t struct_size;    /**< the caller's sizeof(dmoe_device_options) */
  int32_t index;           /**< the driver's number of the device, or -1 = the best usable one: by bandwidth of its memory, then capability, multiprocessors, memory, and free memory; the default */
  int32_t max_calls;       /**< calls under way at a time, each with a workspace of its own, 1..64; further ones wait. The default is 4 */
  int32_t check_ops;       /**< 1 = waits after every kernel, so that a failure names the very one; slow, for diagnosis. The default is 0 */
  const char *driver_path; /**< file of the driver's library in place of libcuda.so.1, or NULL */
} dmoe_device_options;

/** Device memory now. */
typedef struct dmoe_device_usage {
  uint32_t struct_size;   /**< the caller's sizeof(dmoe_device_usage) */
  int32_t calls;          /**< calls under way */
  int64_t free_bytes;     /**< of the whole device, other processes included */
  int64_t total_bytes;    /**< of the whole device */
  int64_t used_bytes;     /**< held by objects of this library: weights, workspaces, dmoe_device_alloc */
  int64_t reserved_bytes; /**< that the pool has from the driver, used_bytes included */
  int64_t launches;       /**< chunks of layer calls that ran kernel by kernel, ever */
  int64_t graph_launches; /**< chunks of layer calls that ran as one graph, ever */
  int64_t retries;        /**< allocations that succeeded only after the pool was trimmed, ever */
} dmoe_device_usage;

/** Resources of a layer's copy on a device. */
typedef struct dmoe_device_layer_options {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_device_layer_options) */
  int32_t max_tokens;   /**< tokens per chunk, 1..1048576; larger batches run in chunks; 0 = the layer's, the default */
  int32_t graphs;       /**< 1 = a call whose shape and addresses repeat runs as one CUDA graph, the default; 0 = never */
} dmoe_device_layer_options;

/** Memory of an asynchronous call. Every address is one of device memory, as a number; 0 where "or 0" is said. Results are complete when the call is. */
typedef struct dmoe_device_forward {
  uint32_t struct_size;   /**< the caller's sizeof(dmoe_device_forward) */
  int32_t slots;          /**< columns of ids, weights and gaps: >= max_experts; 0 = max_experts */
  int64_t tokens;         /**< T, >= 0 */
  int64_t hidden_stride;  /**< elements between rows of hidden, >= D */
  int64_t output_stride;  /**< elements between rows of output, >= D */
  uint64_t hidden;        /**< [T, D] float32, a multiple of 4 */
  uint64_t output;        /**< [out] [T, D] float32, a multiple of 4; apart from every input */
  uint64_t given_scores;  /**< [T] float32 in [0,1] in place of params.score_source, not looked at; or 0 */
  uint64_t ids;           /**< [out] [T, slots] int32, or 0 */
  uint64_t weights;       /**< [out] [T, slots] float32, or 0 */
  uint64_t counts;        /**< [out] [T] int32, or 0 */
  uint64_t scores;        /**< [out] [T] float32, or 0 */
  uint64_t logits;        /**< [out] [T, E] float32, or 0 */
  uint64_t gaps;          /**< [out] [T, slots] float32, or 0 */
} dmoe_device_forward;

/** Rows in device memory to score. */
typedef struct dmoe_device_score_params {
  uint32_t struct_size; /**< the caller's sizeof(dmoe_device_score_params) */
  int32_t kind;         /**< dmoe_device_score_kind */
  int64_t rows;         /**< >= 0; of attention tokens * heads */
  int64_t columns;      /**< >= 1; of attention the keys */
  int64_t row_stride;   /**< elements between rows, >= columns */
  uint64_t data;        /**< device address, [rows, columns] float32 */
  uint64_t scores;      /**< [out] device address, [rows] float32; of attention [rows / heads] */
  float temperature;    /**< entropies: finite and > 0 */
  float epsilon;        /**< attention: finite and >= 0 */
  int32_t heads;        /**< attention: 1..65536, divides rows */
  int32_t aggregation;  /**< attention: dmoe_head_aggregation */
  uint64_t visible;     /**< attention: device address, [tokens] int32 keys that a token sees; 0 = all */
} dmoe_device_score_params;

/** Rows in device memory to normalise. */
typedef struct dmoe_device_norm_params {
  uint32_t struct_size;  /**< the caller's sizeof(dmoe_device_norm_params) */
  int32_t centered;      /**< 1 = dmoe_layer_norm, 0 = dmoe_rms_norm */
  int64_t rows;          /**< >= 0 */
  int64_t columns;       /**< >= 1 */
  int64_t input_stride;  /**< elements between rows, >= columns */
  int64_t output_stride; /**< elements between rows, >= columns */
  uint64_t input;        /**< device address, [rows, columns] float32 */
  uint64_t weight;       /**< device address, [columns] float32; 0 = ones */
  uint64_t bias;         /**< device address, [columns] float32; 0 = none; 0 unless centered */
  uint64_t output;       /**< [out] device address, [rows, columns] float32; may be input */
  float epsilon;         /**< finite and >= 0 */
} dmoe_device_norm_params;

/** One row of the layout table: where a field lies. */
typedef struct dmoe_layout_entry {
  uint32_t struct_size;   /**< sizeof(dmoe_layout_entry): the table's stride */
  uint32_t offset;        /**< bytes from the start; for the struct itself 0 */
  uint32_t size;          /**< bytes */
  const char *type_name;  /**< struct name */
  const char *field_name; /**< field, or "" for the struct itself */
} dmoe_layout_entry;

/* ---- library -------------------------------------------------------------------------------------------- */

/** @return major << 16 | minor of the library. */
DMOE_API uint32_t dmoe_abi_version(void);
/** @return name of the status, static storage; "DMOE_E_UNKNOWN" for other values. */
DMOE_API const char *dmoe_status_name(dmoe_status status);
/** @return text of this thread's last failure, valid until its next call; "" when there was none. */
DMOE_API const char *dmoe_last_error(void);
/** Tells what runs here. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_BACKEND (DYNAMIC_MOE_ISA names an unusable level) */
DMOE_API dmoe_status dmoe_runtime_query(dmoe_runtime_info *info);
/** Name of an instruction-set level as DYNAMIC_MOE_ISA spells it, static storage. */
DMOE_API const char *dmoe_isa_name(dmoe_isa isa);
/** Sets how many threads a parallel region may use, 1..1024; 0 = choose from cores and cgroup quota. @return DMOE_OK, DMOE_E_OPTIONS */
DMOE_API dmoe_status dmoe_runtime_set_threads(int32_t threads);
/** Sets the most threads that calls made by this thread use from now on, 1..1024, beside the limits of pool and object; 0 = no limit of its own.
 *  A call that waits for its turn takes the limit along. @return the limit before; for values outside the range nothing changes */
DMOE_API int32_t dmoe_thread_limit(int32_t threads);
/** Offsets and sizes of every struct of this header; for binding tests. @param count [out] entries */
DMOE_API const dmoe_layout_entry *dmoe_layout_table(int32_t *count);

/* ---- machine: measured limits ------------------------------------------------------------------------------- */

/** Measures the machine: each figure is the best of several short passes, so that what else runs takes little from it. Calls wait for
 *  each other. The memory to read is mapped outside the caller's heap, written once and given back before the call returns: once in
 *  4 KiB pages and then once with huge pages advised, so that at most `bytes` + 2 MiB are held at a time.
 *  @param threads 1..1024, at most the pool's are used; 0 = the pool's @param isa dmoe_isa
 *  @param milliseconds 100..60000 for all of it; a short budget is exceeded, since every figure takes a few passes
 *  @param bytes of memory to read, a multiple of 2 MiB, 2 MiB..1 GiB; 0 = eight times the level-3 cache, at least 256 MiB and at most
 *  1 GiB. What fits into a cache is read from there.
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS, DMOE_E_NO_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_machine_limits_measure(int32_t threads, int32_t isa, int32_t milliseconds, int64_t bytes, dmoe_machine_limits *limits);

/* ---- router: logits -> gate -> score -> count -> select ---------------------------------------------------- */

/** Makes a router. @param weights [experts, hidden] float32 @param bias [experts] or NULL, added to the logits
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS, DMOE_E_NOT_FINITE, DMOE_E_NO_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_router_create(const dmoe_router_options *options, const float *weights, const float *bias, dmoe_router **router);
/** Frees a router; accepts NULL. */
DMOE_API void dmoe_router_destroy(dmoe_router *router);
/** Logits only, no noise. @param logits [out] [T, E]
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_NOT_FINITE */
DMOE_API dmoe_status dmoe_router_logits(const dmoe_router *router, const dmoe_matrix_f32 *hidden, const dmoe_output_f32 *logits);
/** Routes hidden states. @param report [out] or NULL
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_OPTIONS, DMOE_E_NOT_FINITE, DMOE_E_BALANCE */
DMOE_API dmoe_status dmoe_router_route(const dmoe_router *router, const dmoe_matrix_f32 *hidden, const dmoe_route_params *params, const dmoe_routes *routes, dmoe_batch_report *report);
/** Routes given logits [T, E] (noise is added to them when noise_factor > 0). Same results as dmoe_router_route. */
DMOE_API dmoe_status dmoe_router_select(const dmoe_router *router, const dmoe_matrix_f32 *logits, const dmoe_route_params *params, const dmoe_routes *routes, dmoe_batch_report *report);
/** Applies limits to routes in place: first max_distinct, which selects anew within the batch's experts, then the capacity.
 *  @param logits [T, E] the routes came from, noise included @param params as they came
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_OPTIONS, DMOE_E_NOT_FINITE (logits, or weights of used slots), DMOE_E_BALANCE (also max_distinct below min_experts) */
DMOE_API dmoe_status dmoe_router_limit(const dmoe_router *router, const dmoe_matrix_f32 *logits, const dmoe_route_params *params, const dmoe_layer_params *limits, const dmoe_routes *routes, dmoe_batch_report *report);
/** Tells how the router's workspaces are used; may run beside other calls. @param workspaces [out]
 *  @return DMOE_OK, DMOE_E_ARGUMENT */
DMOE_API dmoe_status dmoe_router_workspaces(const dmoe_router *router, dmoe_workspaces *workspaces);
/** Makes or frees workspaces until `idle` of them wait for a call; may run beside other calls. @param idle 0..1024
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS, DMOE_E_NO_MEMORY */
DMOE_API dmoe_status dmoe_router_keep_workspaces(const dmoe_router *router, int32_t idle);

/* ---- scores: raw complexity signals, one per token ------------------------------------------------------ */

/** L2 norm of each row. @param scores [out] [rows] */
DMOE_API dmoe_status dmoe_score_l2_norm(const dmoe_matrix_f32 *rows, float *scores);
/** Entropy of softmax(row / temperature) over ln(columns), in [0,1]; 0 for one column. @param scores [out] [rows] */
DMOE_API dmoe_status dmoe_score_softmax_entropy(const dmoe_matrix_f32 *rows, float temperature, float *scores);
/** p(2)/p(1) of softmax(row), in [0,1]; 0 for one column. @param scores [out] [rows] */
DMOE_API dmoe_status dmoe_score_softmax_margin(const dmoe_matrix_f32 *rows, float *scores);
/** Entropy of attention weights [tokens * heads, keys] (rows >= 0, each sharpened by power 1/temperature and normalised), over
 *  ln(visible keys), aggregated over heads. @param visible [tokens] keys that a token sees, or NULL = all @param scores [out] [tokens] */
DMOE_API dmoe_status dmoe_score_attention_entropy(const dmoe_matrix_f32 *attention, int32_t heads, const int32_t *visible, float temperature, float epsilon, int32_t aggregation, float *scores);

/* ---- plan and combine: the staged path ------------------------------------------------------------------- */

/** Orders routes by expert. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE */
DMOE_API dmoe_status dmoe_plan_build(const dmoe_routes *routes, const dmoe_plan *plan);
/** output[t] = sum over slots, in order, of weights[t, s] * expert_rows[rows[t, s]].
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_OVERFLOW */
DMOE_API dmoe_status dmoe_combine(const dmoe_routes *routes, const dmoe_plan *plan, const dmoe_matrix_f32 *expert_rows, const dmoe_output_f32 *output);

/* ---- experts and layer ------------------------------------------------------------------------------------ */

/** Makes a set of experts without weights. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS, DMOE_E_NO_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_experts_create(const dmoe_experts_options *options, dmoe_experts **experts);
/** Frees a set of experts; accepts NULL. */
DMOE_API void dmoe_experts_destroy(dmoe_experts *experts);
/** Packs one expert's weights. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE (expert index), DMOE_E_NOT_FINITE (also what a format cannot hold: magnitudes above 8319008 in q8, 458528 in q4, 3.4e38 in bf16), DMOE_E_STATE (mapped) */
DMOE_API dmoe_status dmoe_experts_set(dmoe_experts *experts, int32_t expert, const dmoe_expert_weights *weights);
/** @param bytes [out] packed bytes that one expert's weights take, padding included */
DMOE_API dmoe_status dmoe_experts_bytes(const dmoe_experts *experts, int64_t *bytes);
/** Number of the layout that packed weights have, the same at every instruction-set level; another number = other bytes. */
DMOE_API int32_t dmoe_packed_layout_version(void);
/** Gives all experts' packed weights, to be stored and handed to dmoe_experts_create_mapped. @param data [out] valid until the set and every layer
 *  made of it are destroyed @param bytes [out] their number @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_STATE (an expert has no weights) */
DMOE_API dmoe_status dmoe_experts_packed(const dmoe_experts *experts, const void **data, int64_t *bytes);
/** Makes a set of experts that reads packed weights where they lie. They may be read-only; dmoe_experts_set is refused. Values are not looked at: bytes
 *  that are not packed weights give wrong outputs or DMOE_E_OVERFLOW, and nothing worse. @param packed what dmoe_experts_packed gave under the same
 *  options (isa may differ) and layout version; aligned to 64; valid until the set and every layer made of it are destroyed @param bytes exactly its size
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS, DMOE_E_SHAPE (bytes), DMOE_E_NO_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_experts_create_mapped(const dmoe_experts_options *options, const void *packed, int64_t bytes, dmoe_experts **experts);
/** Makes a layer. Router and experts must agree in hidden size and expert count, and every expert must have weights.
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS, DMOE_E_SHAPE, DMOE_E_STATE, DMOE_E_NO_MEMORY */
DMOE_API dmoe_status dmoe_layer_create(const dmoe_layer_options *options, const dmoe_router *router, const dmoe_experts *experts, dmoe_layer **layer);
/** Frees a layer; accepts NULL. */
DMOE_API void dmoe_layer_destroy(dmoe_layer *layer);
/** Routes and runs a batch: the one call of the hot path. @param limits or NULL @param routes [out] or NULL @param report [out] or NULL
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_OPTIONS, DMOE_E_NOT_FINITE, DMOE_E_BALANCE, DMOE_E_OVERFLOW */
DMOE_API dmoe_status dmoe_layer_forward(const dmoe_layer *layer, const dmoe_matrix_f32 *hidden, const dmoe_route_params *params, const dmoe_layer_params *limits, const dmoe_routes *routes, const dmoe_output_f32 *output, dmoe_batch_report *report);
/** Takes the arguments of dmoe_layer_forward, checks handle and matrices as it does, and returns: what the way into this library
 *  and back costs. Nothing else is read or written. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE */
DMOE_API dmoe_status dmoe_layer_noop(const dmoe_layer *layer, const dmoe_matrix_f32 *hidden, const dmoe_route_params *params, const dmoe_layer_params *limits, const dmoe_routes *routes, const dmoe_output_f32 *output, dmoe_batch_report *report);
/** Runs the experts on given routes (ids and weights are read). @param report [out] or NULL */
DMOE_API dmoe_status dmoe_layer_execute(const dmoe_layer *layer, const dmoe_matrix_f32 *hidden, const dmoe_routes *routes, const dmoe_output_f32 *output, dmoe_batch_report *report);

/* ---- dense parts of a decoder ------------------------------------------------------------------------------ */

/** Packs dense weights. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS, DMOE_E_NOT_FINITE, DMOE_E_NO_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_linear_create(const dmoe_linear_options *options, dmoe_linear **linear);
/** Frees packed weights; accepts NULL. */
DMOE_API void dmoe_linear_destroy(dmoe_linear *linear);
/** y = x W^T + b. @param threads most threads, 0 = the pool's @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE */
DMOE_API dmoe_status dmoe_linear_run(const dmoe_linear *linear, const dmoe_matrix_f32 *input, int32_t threads, const dmoe_output_f32 *output);
/** y = x / sqrt(mean(x^2) + epsilon) * weight. @param weight [columns] or NULL; output may be the input */
DMOE_API dmoe_status dmoe_rms_norm(const dmoe_matrix_f32 *input, const float *weight, float epsilon, const dmoe_output_f32 *output);
/** y = (x - mean) / sqrt(var + epsilon) * weight + bias. @param weight [columns] or NULL @param bias [columns] or NULL; output may be the input */
DMOE_API dmoe_status dmoe_layer_norm(const dmoe_matrix_f32 *input, const float *weight, const float *bias, float epsilon, const dmoe_output_f32 *output);
/** Causal attention; keys in ascending blocks of 64 from position 0. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_OPTIONS */
DMOE_API dmoe_status dmoe_attention(const dmoe_attention_params *params);

/* ---- CUDA devices -------------------------------------------------------------------------------------------
 * The driver is looked for when it is first asked for: the path given, else DYNAMIC_MOE_CUDA_DRIVER, else libcuda.so.1. It stays loaded.
 * Streams are the driver's own (CUstream, cudaStream_t). NULL is a stream of the device's that this library keeps: a call that takes NULL returns
 * when its work is done, except dmoe_device_layer_forward_async, whose work then comes after what the legacy default stream holds. Device addresses are the driver's own (CUdeviceptr) and may come from any owner of memory in the device's
 * primary context. A failure that the device cannot recover from (an address out of range in a kernel, a lost device) is DMOE_E_BACKEND from
 * then on, for every call on that device. */

/** Counts devices, usable or not. @param driver_path or NULL @param count [out] 0 where there is no driver or no device
 *  @return DMOE_OK, DMOE_E_ARGUMENT */
DMOE_API dmoe_status dmoe_device_count(const char *driver_path, int32_t *count);
/** Describes a device without opening it. @param driver_path or NULL @param index 0..count-1, or -1 = the one that dmoe_device_open would choose
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS (index), DMOE_E_BACKEND (no driver, or -1 and no usable device: the text says why) */
DMOE_API dmoe_status dmoe_device_query(const char *driver_path, int32_t index, dmoe_device_info *info);
/** Opens a device: retains its primary context, compiles the kernels in the driver, makes a memory pool.
 *  @param options or NULL = defaults @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS, DMOE_E_NO_MEMORY, DMOE_E_DEVICE_MEMORY,
 *  DMOE_E_BACKEND ("unavailable, because ...": driver, device, or kernels that the driver refuses, with its compiler's words) */
DMOE_API dmoe_status dmoe_device_open(const dmoe_device_options *options, dmoe_device **device);
/** Closes a device; accepts NULL. Layers on it and calls under way keep it until they are destroyed; what dmoe_device_alloc gave and streams go with the last of them. */
DMOE_API void dmoe_device_destroy(dmoe_device *device);
/** Describes an open device. @return DMOE_OK, DMOE_E_ARGUMENT */
DMOE_API dmoe_status dmoe_device_describe(const dmoe_device *device, dmoe_device_info *info);
/** Asks the device to write a word and reads it back. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_health(const dmoe_device *device);
/** Tells how the device's memory is used; may run beside other calls. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_memory(const dmoe_device *device, dmoe_device_usage *usage);
/** Gives back the workspaces that no call uses and what the pool holds unused. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_trim(const dmoe_device *device);

/** Takes device memory, usable on every stream at once, aligned to 256. @param bytes >= 1 @param address [out]
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE (bytes), DMOE_E_DEVICE_MEMORY (also after the pool was trimmed), DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_alloc(dmoe_device *device, int64_t bytes, uint64_t *address);
/** Gives back what dmoe_device_alloc gave; no work under way may use it. @param address 0 is accepted
 *  @return DMOE_OK, DMOE_E_ARGUMENT (not an address of dmoe_device_alloc), DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_free(dmoe_device *device, uint64_t address);
/** Copies host memory to the device, in the order of a stream, and waits for it. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_upload(const dmoe_device *device, uint64_t to, const void *from, int64_t bytes, void *stream);
/** Copies device memory to the host, in the order of a stream, and waits for it. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_download(const dmoe_device *device, void *to, uint64_t from, int64_t bytes, void *stream);

/** Makes a stream that does not wait for the legacy default stream. @param stream [out] @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_stream_create(const dmoe_device *device, void **stream);
/** Waits for the stream's work and frees it. @param stream of dmoe_device_stream_create, or NULL @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_stream_close(const dmoe_device *device, void *stream);
/** Waits for a stream's work. @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_stream_wait(const dmoe_device *device, void *stream);
/** @param done [out] 1 when a stream's work is done, else 0 @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_stream_query(const dmoe_device *device, void *stream, int32_t *done);

/** Copies a layer to a device. The device layer stands by itself: the layer and its experts may be destroyed. Limits of a device: at most 512
 *  experts, and tokens of a chunk times slots within int32.
 *  @param options or NULL = defaults @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_OPTIONS (also a layer beyond the device's limits), DMOE_E_NO_MEMORY,
 *  DMOE_E_DEVICE_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_layer_create(dmoe_device *device, const dmoe_layer *layer, const dmoe_device_layer_options *options, dmoe_device_layer **device_layer);
/** Frees a device layer; accepts NULL. */
DMOE_API void dmoe_device_layer_destroy(dmoe_device_layer *device_layer);
/** dmoe_layer_forward on the device, with host memory: the same checks, decisions and texts, and outputs within the bound of the device's kernels.
 *  Returns when it is done. @param limits or NULL @param routes [out] or NULL @param report [out] or NULL
 *  @return as dmoe_layer_forward; DMOE_E_DEVICE_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_layer_forward(const dmoe_device_layer *device_layer, const dmoe_matrix_f32 *hidden, const dmoe_route_params *params, const dmoe_layer_params *limits, const dmoe_routes *routes, const dmoe_output_f32 *output, dmoe_batch_report *report);
/** dmoe_layer_execute on the device, with host memory. @param report [out] or NULL @return as dmoe_layer_execute; DMOE_E_DEVICE_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_layer_execute(const dmoe_device_layer *device_layer, const dmoe_matrix_f32 *hidden, const dmoe_routes *routes, const dmoe_output_f32 *output, dmoe_batch_report *report);
/** Routes and runs a batch that lies in device memory, in the order of a stream, without waiting and without a copy. Waits only while max_calls calls
 *  are under way: a stream may then not wait for what this thread is yet to do. What a kernel finds wrong (a value that is not finite, too few usable
 *  experts, overflow) is told by the completion; outputs are then undefined.
 *  @param forward device memory, valid until the completion @param params host memory, its arrays as well; read before this returns
 *  @param stream not being captured; NULL = one of the library's @param completion [out] to be destroyed by dmoe_completion_destroy
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_OPTIONS, DMOE_E_NOT_FINITE (params), DMOE_E_BALANCE (params), DMOE_E_STATE (a stream that is being
 *  captured), DMOE_E_NO_MEMORY, DMOE_E_DEVICE_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_layer_forward_async(const dmoe_device_layer *device_layer, const dmoe_device_forward *forward, const dmoe_route_params *params, void *stream, dmoe_completion **completion);

/** Whether a call has ended, without waiting. @param done [out] 1 when it has, well or not @return DMOE_OK, DMOE_E_ARGUMENT */
DMOE_API dmoe_status dmoe_completion_query(dmoe_completion *completion, int32_t *done);
/** Waits for the end of a call and tells how it ended; may be called again, by many threads. @param report [out] or NULL
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_NOT_FINITE, DMOE_E_BALANCE, DMOE_E_OVERFLOW (each naming the lowest token), DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_completion_wait(dmoe_completion *completion, dmoe_batch_report *report);
/** Calls back once when the call has ended, well or not, on a thread of this library, also when it has ended already. That thread serves all calls: the callback
 *  must be short and must not wait for another call. It may come after dmoe_completion_destroy. @param callback not NULL @param context handed to it
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_STATE (asked for already), DMOE_E_NO_MEMORY */
DMOE_API dmoe_status dmoe_completion_notify(dmoe_completion *completion, void (*callback)(void *context), void *context);
/** Waits for the end of the call and frees the completion; accepts NULL. */
DMOE_API void dmoe_completion_destroy(dmoe_completion *completion);

/** Scores rows in device memory, in the order of a stream. @param stream not being captured; NULL = waits for the end; only then values that cannot be scored are told
 *  @return DMOE_OK, DMOE_E_ARGUMENT (also an attention weight below 0), DMOE_E_SHAPE, DMOE_E_OPTIONS, DMOE_E_NOT_FINITE, DMOE_E_OVERFLOW, DMOE_E_STATE (a stream that is
 *  being captured), DMOE_E_DEVICE_MEMORY, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_score(const dmoe_device *device, const dmoe_device_score_params *params, void *stream);
/** Normalises rows in device memory, in the order of a stream. @param stream NULL = waits for the end
 *  @return DMOE_OK, DMOE_E_ARGUMENT, DMOE_E_SHAPE, DMOE_E_OPTIONS, DMOE_E_BACKEND */
DMOE_API dmoe_status dmoe_device_norm(const dmoe_device *device, const dmoe_device_norm_params *params, void *stream);

#ifdef __cplusplus
}
#endif

#endif /* DYNAMICMOE_DYNAMICMOE_H_ */
