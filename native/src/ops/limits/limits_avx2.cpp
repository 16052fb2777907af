// limits / AVX2: a sum is two registers. Five of them are ten chains of vfmadd231ps, of which four cycles of
// latency at two per cycle need eight, and leave room for the operands; widened pairs of bfloat16 leave room
// for four.
#include "ops/limits/limits.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_avx2.hpp"
#include "ops/limits/limits.inl"
// clang-format on

namespace dmoe {
namespace {

// Below VNNI four products are three instructions: vpmaddubsw, vpmaddwd by ones, vpaddd.
struct PeakFormatInt8 {
  struct Sum {
    __m256i lo, hi;
  };
  struct Left {
    __m256i lo, hi;
  };
  using Task = PeakInt8;
  using Right = __m256i;
  static constexpr int kSums = 4;
  static constexpr int kLaneElements = 4;
  static DMOE_INLINE __m256i load(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static DMOE_INLINE Sum load_sum(const int32_t* p) { return {load(p), load(p + 8)}; }
  static DMOE_INLINE void store_sum(int32_t* p, Sum a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.lo);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), a.hi);
  }
  static DMOE_INLINE Left left(const uint8_t* p) { return {load(p), load(p + 32)}; }
  static DMOE_INLINE Right right(const int8_t* p) {
    int32_t quad;
    __builtin_memcpy(&quad, p, sizeof quad);
    return _mm256_set1_epi32(quad);
  }
  // Volatile, or the compiler would multiply once and add the product each time; and each sum opaque after
  // its step, or it would first add two products to each other, for which there are not enough registers.
  static DMOE_INLINE __m256i dot(__m256i l, __m256i r, __m256i sum) {
    __m256i pairs;
    __asm__ volatile("vpmaddubsw %2, %1, %0" : "=x"(pairs) : "x"(l), "x"(r));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    __asm__ volatile("" : "+x"(sum));
    return sum;
  }
  static DMOE_INLINE Sum multiply_add(Left l, Right r, Sum sum) {
    return {dot(l.lo, r, sum.lo), dot(l.hi, r, sum.hi)};
  }
};

struct Line256 {
  __m256i lo, hi;
  static DMOE_INLINE Line256 load(const char* p) {
    return {_mm256_load_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_load_si256(reinterpret_cast<const __m256i*>(p + 32))};
  }
  static DMOE_INLINE uint64_t fold(Line256 a) {
    alignas(32) uint64_t word[4];
    _mm256_store_si256(reinterpret_cast<__m256i*>(word), _mm256_xor_si256(a.lo, a.hi));
    return word[0] ^ word[1] ^ word[2] ^ word[3];
  }
};
DMOE_INLINE Line256 operator^(Line256 a, Line256 b) {
  return {_mm256_xor_si256(a.lo, b.lo), _mm256_xor_si256(a.hi, b.hi)};
}

}  // namespace

int64_t peak_f32__avx2(const PeakF32& t) { return run_peak<PeakFormatF32<5>>(t); }
int64_t peak_bf16__avx2(const PeakBf16& t) { return run_peak<PeakFormatBf16<4>>(t); }
int64_t peak_int8__avx2(const PeakInt8& t) { return run_peak<PeakFormatInt8>(t); }
uint64_t read_streams__avx2(const ReadStreams& t) { return read_streams<Line256>(t); }

}  // namespace dmoe
