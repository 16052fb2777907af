// combine / NEON: the one body over this level's vector.
#include "ops/combine/combine.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_neon.hpp"
#include "ops/combine/combine.inl"
// clang-format on

namespace dmoe {

int64_t combine__neon(const Combine& t) { return combine(t); }

}  // namespace dmoe
