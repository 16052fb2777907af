// experts / AVX-512 VNNI: q8 and q4 by vpdpbusd, four products per lane and instruction.
#include "ops/experts/experts.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx512.hpp"
#include "core/simd_quant_avx512vnni.hpp"
#include "core/simd_math.inl"
#include "core/panel_quant.inl"
#include "core/panel_gemm.inl"
#include "ops/experts/experts.inl"
// clang-format on

namespace dmoe {

void experts_up_q8__avx512vnni(const ExpertsUp& t) { experts_up<FormatQ8>(t); }
void experts_up_q4__avx512vnni(const ExpertsUp& t) { experts_up<FormatQ4>(t); }
void experts_down_q8__avx512vnni(const ExpertsDown& t) { experts_down<FormatQ8>(t); }
void experts_down_q4__avx512vnni(const ExpertsDown& t) { experts_down<FormatQ4>(t); }

}  // namespace dmoe
