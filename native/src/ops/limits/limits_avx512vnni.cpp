// limits / AVX-512 VNNI: four products and their sum are one instruction, vpdpbusd.
#include "ops/limits/limits.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx512.hpp"
#include "ops/limits/limits.inl"
#include "ops/limits/limits_int8_512.inl"
// clang-format on

namespace dmoe {
namespace {

struct PeakFormatInt8 : PeakLanesInt8 {
  static constexpr int kSums = 24;
  static DMOE_INLINE Sum multiply_add(Left l, Right r, Sum sum) { return _mm512_dpbusd_epi32(sum, l, r); }
};

}  // namespace

int64_t peak_int8__avx512vnni(const PeakInt8& t) { return run_peak<PeakFormatInt8>(t); }

}  // namespace dmoe
