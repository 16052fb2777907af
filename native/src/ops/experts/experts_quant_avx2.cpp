// experts / AVX2: q8 and q4 by vpmaddubsw; the avx512 level uses it too, which lacks only vpdpbusd.
#include "ops/experts/experts.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx2.hpp"
#include "core/simd_quant_avx2.hpp"
#include "core/simd_math.inl"
#include "core/panel_quant.inl"
#include "core/panel_gemm.inl"
#include "ops/experts/experts.inl"
// clang-format on

namespace dmoe {

void experts_up_q8__avx2(const ExpertsUp& t) { experts_up<FormatQ8>(t); }
void experts_up_q4__avx2(const ExpertsUp& t) { experts_up<FormatQ4>(t); }
void experts_down_q8__avx2(const ExpertsDown& t) { experts_down<FormatQ8>(t); }
void experts_down_q4__avx2(const ExpertsDown& t) { experts_down<FormatQ4>(t); }

}  // namespace dmoe
