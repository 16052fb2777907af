// The warp operations as combine functions (engine.hpp), in the terms of PTX, for the kernels' source and for
// the interpreter.
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_COLLECTIVES_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_COLLECTIVES_HPP_

#include <cstdint>

namespace dmoe::sim {

/** shfl.sync: `b` and `c` as the instruction has them. A lane outside of the mask gives bits that mean
 * nothing. */
struct ShflIn {
  uint64_t value;
  unsigned b, c;
};
struct ShflOut {
  uint64_t value;
  bool in_range;
};
void shfl_idx(unsigned mask, const void* const* in, void* const* out);
void shfl_up(unsigned mask, const void* const* in, void* const* out);
void shfl_down(unsigned mask, const void* const* in, void* const* out);
void shfl_bfly(unsigned mask, const void* const* in, void* const* out);

/** vote.sync.ballot: int -> unsigned. */
void ballot(unsigned mask, const void* const* in, void* const* out);
/** match.any.sync: uint64_t -> unsigned. */
void match_any(unsigned mask, const void* const* in, void* const* out);
/** bar.warp.sync: nothing. */
void sync_warp(unsigned mask, const void* const* in, void* const* out);

/** redux.sync: uint32_t -> uint32_t. */
void reduce_add(unsigned mask, const void* const* in, void* const* out);
void reduce_min_signed(unsigned mask, const void* const* in, void* const* out);
void reduce_max_signed(unsigned mask, const void* const* in, void* const* out);
void reduce_min_unsigned(unsigned mask, const void* const* in, void* const* out);
void reduce_max_unsigned(unsigned mask, const void* const* in, void* const* out);
void reduce_and(unsigned mask, const void* const* in, void* const* out);
void reduce_or(unsigned mask, const void* const* in, void* const* out);
void reduce_xor(unsigned mask, const void* const* in, void* const* out);

/** ldmatrix .m8n8 of 16-bit elements. Each lane brings the row that its address names (x1 and x2: those of
 * lanes 0-7 and 0-15 count) and gets up to four registers. */
struct MatrixRow {
  uint16_t element[8];
};
struct MatrixOut {
  uint32_t part[4];
};
void ldmatrix(unsigned mask, const void* const* in, void* const* out);
void ldmatrix_trans(unsigned mask, const void* const* in, void* const* out);

/** mma.sync.m16n8k16.row.col.f32.bf16.bf16.f32. Products are exact, their sum is in double precision and
 * rounded once; a device rounds otherwise, so results are compared within a bound. */
struct MmaIn {
  uint32_t a[4], b[2];
  float c[4];
};
struct MmaOut {
  float d[4];
};
void mma_m16n8k16_bf16(unsigned mask, const void* const* in, void* const* out);

}  // namespace dmoe::sim

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_COLLECTIVES_HPP_
