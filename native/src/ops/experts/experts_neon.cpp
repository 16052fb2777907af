// experts / NEON: both formats; bf16 pairs as two fmas.
#include "ops/experts/experts.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_neon.hpp"
#include "core/simd_math.inl"
#include "core/panel_gemm.inl"
#include "ops/experts/experts.inl"
// clang-format on

namespace dmoe {

void experts_up_f32__neon(const ExpertsUp& t) { experts_up<FormatF32>(t); }
void experts_down_f32__neon(const ExpertsDown& t) { experts_down<FormatF32>(t); }
void experts_up_bf16__neon(const ExpertsUp& t) { experts_up<FormatBf16>(t); }
void experts_down_bf16__neon(const ExpertsDown& t) { experts_down<FormatBf16>(t); }

}  // namespace dmoe
