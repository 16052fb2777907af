// Packing: a caller's weight matrix -> panels of 32 columns (core/panel_gemm.hpp), converted and checked on
// the way.
#ifndef DYNAMICMOE_ENGINE_PACKING_HPP_
#define DYNAMICMOE_ENGINE_PACKING_HPP_

#include <cstddef>
#include <cstdint>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

/** Number of the layout below and of how an expert's parts follow one another (engine/experts.cpp). Raise it
 * with any change of the bytes: packed model files hold them. One layout serves every instruction-set level.
 */
inline constexpr int32_t kPackedLayoutVersion = 1;

/** A caller's matrix [rows, columns] of a dmoe_dtype; data may be NULL, which reads as zeros. */
struct WeightMatrix {
  const void* data = nullptr;
  int32_t dtype = DMOE_DTYPE_F32;
  int64_t rows = 0;
  int64_t columns = 0;
};

/** Panels that hold `columns` output columns. */
constexpr int64_t panels_for(int64_t columns) { return (columns + 31) / 32; }
/** k rounded up to what a format stores: even for bfloat16, whole blocks of 32 for q8 and q4. */
int64_t packed_inner(int32_t format, int64_t k);
/** Bytes of one panel with k inner elements. */
int64_t panel_bytes(int32_t format, int64_t k);
/** Bytes of one row of k activations as the format's products take them, in whole cache lines or blocks. */
int64_t operand_bytes(int32_t format, int64_t k);

/** @return the lowest row that holds a value not finite once converted to the format, or -1. */
int64_t first_bad_row(const WeightMatrix& matrix, int32_t format);

/** Writes all panels of a matrix; column c of panel p is row 32 p + c of it. Padding becomes zero. */
void pack_panels(const WeightMatrix& matrix, int32_t format, void* panels);
/** Writes panels of 16 gate and 16 up columns: column c of panel p is row 16 p + c % 16 of gate (c < 16) or
 * up. */
void pack_gate_up(const WeightMatrix& gate, const WeightMatrix& up, int32_t format, void* panels);

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_PACKING_HPP_
