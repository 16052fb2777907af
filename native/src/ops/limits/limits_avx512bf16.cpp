// limits / AVX-512 BF16: both products of a pair and their sum are one instruction, vdpbf16ps.
#include "ops/limits/limits.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx512.hpp"
#include "ops/limits/limits.inl"
// clang-format on

namespace dmoe {

int64_t peak_bf16__avx512bf16(const PeakBf16& t) { return run_peak<PeakFormatBf16<24>>(t); }

}  // namespace dmoe
