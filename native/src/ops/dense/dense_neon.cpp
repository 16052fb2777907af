// dense / NEON: both formats, bf16 pairs as two fmas, and the passes over rows.
#include "ops/dense/dense.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_neon.hpp"
#include "core/simd_math.inl"
#include "core/panel_gemm.inl"
#include "ops/dense/dense.inl"
// clang-format on

namespace dmoe {

void dense_f32__neon(const Dense& t) { dense<FormatF32>(t); }
void dense_bf16__neon(const Dense& t) { dense<FormatBf16>(t); }
void round_rows__neon(const RoundRows& t) { round_rows(t); }
int64_t finite_rows__neon(const Rows& t) { return finite_rows(t); }
void gate_rows__neon(const GateRows& t) { gate_rows(t); }

}  // namespace dmoe
