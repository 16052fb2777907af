// logits / NEON.
#include "ops/logits/logits.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/panel_gemm.hpp"
#include "core/simd_neon.hpp"
#include "core/panel_gemm.inl"
#include "ops/logits/logits.inl"
// clang-format on

namespace dmoe {

void logits_f32__neon(const Logits& task) { logits(task); }
void noise_f32__neon(const Noise& task) { noise(task); }

}  // namespace dmoe
