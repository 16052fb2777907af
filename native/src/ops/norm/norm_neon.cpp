// norm / NEON: the one body over this level's vector.
#include "ops/norm/norm.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_neon.hpp"
#include "ops/norm/norm.inl"
// clang-format on

namespace dmoe {

void norm_rms__neon(const Norm& t) { norm_rms(t); }
void norm_layer__neon(const Norm& t) { norm_layer(t); }

}  // namespace dmoe
