// limits / AVX-512 VNNI: four products and their sum are one instruction, vpdpbusd.
#include "ops/limits/limits.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx512.hpp"
#include "ops/limits/limits.inl"
// clang-format on

namespace dmoe {
namespace {

struct PeakFormatInt8 {
  using Task = PeakInt8;
  using Sum = __m512i;
  using Left = __m512i;
  using Right = __m512i;
  static constexpr int kSums = 24;
  static constexpr int kLaneElements = 4;
  static DMOE_INLINE Sum load_sum(const int32_t* p) { return _mm512_loadu_si512(p); }
  static DMOE_INLINE void store_sum(int32_t* p, Sum a) { _mm512_storeu_si512(p, a); }
  static DMOE_INLINE Left left(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static DMOE_INLINE Right right(const int8_t* p) {
    int32_t quad;
    __builtin_memcpy(&quad, p, sizeof quad);
    return _mm512_set1_epi32(quad);
  }
  static DMOE_INLINE Sum multiply_add(Left l, Right r, Sum sum) { return _mm512_dpbusd_epi32(sum, l, r); }
};

}  // namespace

int64_t peak_int8__avx512vnni(const PeakInt8& t) { return run_peak<PeakFormatInt8>(t); }

}  // namespace dmoe
