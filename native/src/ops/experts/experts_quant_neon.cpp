// experts / NEON: q8 and q4 by widening products of 8 bits.
#include "ops/experts/experts.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_neon.hpp"
#include "core/simd_quant_neon.hpp"
#include "core/simd_math.inl"
#include "core/panel_quant.inl"
#include "core/panel_gemm.inl"
#include "ops/experts/experts.inl"
// clang-format on

namespace dmoe {

void experts_up_q8__neon(const ExpertsUp& t) { experts_up<FormatQ8>(t); }
void experts_up_q4__neon(const ExpertsUp& t) { experts_up<FormatQ4>(t); }
void experts_down_q8__neon(const ExpertsDown& t) { experts_down<FormatQ8>(t); }
void experts_down_q4__neon(const ExpertsDown& t) { experts_down<FormatQ4>(t); }

}  // namespace dmoe
