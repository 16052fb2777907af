// attention / NEON: the one body over this level's vector.
#include "ops/attention/attention.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_neon.hpp"
#include "core/simd_math.inl"
#include "ops/attention/attention.inl"
// clang-format on

namespace dmoe {

void attention__neon(const Attention& t) { attention(t); }

}  // namespace dmoe
