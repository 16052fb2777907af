// norm / scalar: the one body over this level's vector.
#include "ops/norm/norm.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_scalar.hpp"
#include "ops/norm/norm.inl"
// clang-format on

namespace dmoe {

void norm_rms__scalar(const Norm& t) { norm_rms(t); }
void norm_layer__scalar(const Norm& t) { norm_layer(t); }

}  // namespace dmoe
