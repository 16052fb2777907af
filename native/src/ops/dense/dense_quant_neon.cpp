// dense / NEON: rows to the blocks that 8- and 4-bit weights meet.
#include "ops/dense/dense.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_neon.hpp"
#include "core/simd_quant_neon.hpp"
#include "core/simd_math.inl"
#include "core/panel_quant.inl"
#include "core/panel_gemm.inl"
#include "ops/dense/dense.inl"
// clang-format on

namespace dmoe {

void quantise_rows__neon(const QuantiseRows& t) { quantise_rows(t); }

}  // namespace dmoe
