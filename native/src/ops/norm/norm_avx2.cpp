// norm / AVX2: the one body over this level's vector.
#include "ops/norm/norm.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx2.hpp"
#include "ops/norm/norm.inl"
// clang-format on

namespace dmoe {

void norm_rms__avx2(const Norm& t) { norm_rms(t); }
void norm_layer__avx2(const Norm& t) { norm_layer(t); }

}  // namespace dmoe
