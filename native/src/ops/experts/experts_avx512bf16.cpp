// experts / AVX-512 BF16: pairs by vdpbf16ps, twice the products per cycle of two fmas.
#include "ops/experts/experts.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx512.hpp"
#include "core/simd_math.inl"
#include "core/panel_gemm.inl"
#include "ops/experts/experts.inl"
// clang-format on

namespace dmoe {

void experts_up_bf16__avx512bf16(const ExpertsUp& t) { experts_up<FormatBf16>(t); }
void experts_down_bf16__avx512bf16(const ExpertsDown& t) { experts_down<FormatBf16>(t); }

}  // namespace dmoe
