// limits / scalar: one sum, since 16 lanes of it fill what registers there are.
#include "ops/limits/limits.hpp"

// The order matters: vector type, then what is written over it.
// clang-format off
#include "core/simd_scalar.hpp"
#include "ops/limits/limits.inl"
// clang-format on

namespace dmoe {
namespace {

struct PeakFormatInt8 {
  struct Sum {
    int32_t lane[16];
  };
  using Task = PeakInt8;
  using Left = const uint8_t*;
  using Right = const int8_t*;
  static constexpr int kSums = 1;
  static constexpr int kLaneElements = 4;
  static Sum load_sum(const int32_t* p) {
    Sum sum;
    __builtin_memcpy(&sum, p, sizeof sum);
    return sum;
  }
  static void store_sum(int32_t* p, const Sum& sum) { __builtin_memcpy(p, &sum, sizeof sum); }
  static Left left(const uint8_t* p) { return p; }
  static Right right(const int8_t* p) { return p; }
  static DMOE_INLINE Sum multiply_add(Left l, Right r, Sum sum) {
    // The operands may have changed, for all that the compiler knows: it has to multiply each time.
    __asm__ volatile("" ::: "memory");
    for (int i = 0; i < 16; ++i) {
      for (int k = 0; k < 4; ++k) sum.lane[i] += l[4 * i + k] * r[k];
    }
    return sum;
  }
};

struct WordLine {
  uint64_t word[8];
  static WordLine load(const char* p) {
    WordLine line;
    __builtin_memcpy(&line, p, sizeof line);
    return line;
  }
  static uint64_t fold(const WordLine& a) {
    uint64_t x = 0;
    for (uint64_t word : a.word) x ^= word;
    return x;
  }
  friend WordLine operator^(WordLine a, const WordLine& b) {
    for (int i = 0; i < 8; ++i) a.word[i] ^= b.word[i];
    return a;
  }
};

}  // namespace

int64_t peak_f32__scalar(const PeakF32& t) { return run_peak<PeakFormatF32<1>>(t); }
int64_t peak_bf16__scalar(const PeakBf16& t) { return run_peak<PeakFormatBf16<1>>(t); }
int64_t peak_int8__scalar(const PeakInt8& t) { return run_peak<PeakFormatInt8>(t); }
uint64_t read_streams__scalar(const ReadStreams& t) { return read_streams<WordLine>(t); }

}  // namespace dmoe
