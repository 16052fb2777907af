// dense / AVX-512 BF16: pairs by vdpbf16ps, twice the products per cycle of two fmas.
#include "ops/dense/dense.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx512.hpp"
#include "core/simd_math.inl"
#include "core/panel_gemm.inl"
#include "ops/dense/dense.inl"
// clang-format on

namespace dmoe {

void dense_bf16__avx512bf16(const Dense& t) { dense<FormatBf16>(t); }

}  // namespace dmoe
