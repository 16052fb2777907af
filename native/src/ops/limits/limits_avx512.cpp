// limits / AVX-512: 24 sums, more than the latency of any of these instructions times two per cycle asks for.
#include "ops/limits/limits.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx512.hpp"
#include "ops/limits/limits.inl"
#include "ops/limits/limits_int8_512.inl"
// clang-format on

namespace dmoe {
namespace {

// Below VNNI four products are three instructions: vpmaddubsw, vpmaddwd by ones, vpaddd.
struct PeakFormatInt8 : PeakLanesInt8 {
  static constexpr int kSums = 12;
  // Volatile and opaque, as at AVX2: each step multiplies, and adds its own product.
  static DMOE_INLINE Sum multiply_add(Left l, Right r, Sum sum) {
    __m512i pairs;
    __asm__ volatile("vpmaddubsw %2, %1, %0" : "=v"(pairs) : "v"(l), "v"(r));
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
    __asm__ volatile("" : "+v"(sum));
    return sum;
  }
};

struct Line512 {
  __m512i v;
  static DMOE_INLINE Line512 load(const char* p) { return {_mm512_load_si512(p)}; }
  static DMOE_INLINE uint64_t fold(Line512 a) {
    alignas(64) uint64_t word[8];
    _mm512_store_si512(word, a.v);
    return word[0] ^ word[1] ^ word[2] ^ word[3] ^ word[4] ^ word[5] ^ word[6] ^ word[7];
  }
};
DMOE_INLINE Line512 operator^(Line512 a, Line512 b) { return {_mm512_xor_si512(a.v, b.v)}; }

}  // namespace

int64_t peak_f32__avx512(const PeakF32& t) { return run_peak<PeakFormatF32<24>>(t); }
int64_t peak_bf16__avx512(const PeakBf16& t) { return run_peak<PeakFormatBf16<24>>(t); }
int64_t peak_int8__avx512(const PeakInt8& t) { return run_peak<PeakFormatInt8>(t); }
uint64_t read_streams__avx512(const ReadStreams& t) { return read_streams<Line512>(t); }

}  // namespace dmoe
