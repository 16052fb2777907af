// limits: the bodies of every level. Include after a simd_*.hpp.

namespace dmoe {
namespace {

// Float32 on the level's vector.
template <int kCount>
struct PeakFormatF32 {
  using Task = PeakF32;
  using Sum = Vec;
  using Left = Vec;
  using Right = Vec;
  static constexpr int kSums = kCount;
  static constexpr int kLaneElements = 1;
  static DMOE_INLINE Sum load_sum(const float* p) { return load(p); }
  static DMOE_INLINE void store_sum(float* p, Sum a) { store(p, a); }
  static DMOE_INLINE Left left(const float* p) { return load(p); }
  static DMOE_INLINE Right right(const float* p) { return set1(*p); }
  static DMOE_INLINE Sum multiply_add(Left l, Right r, Sum sum) { return fma(l, r, sum); }
};

// Pairs of bfloat16: one instruction where the level has it, else two fused multiply-adds on pairs widened
// before.
template <int kCount>
struct PeakFormatBf16 {
  using Task = PeakBf16;
  using Sum = Vec;
  using Left = PairVec;
  using Right = PairVec;
  static constexpr int kSums = kCount;
  static constexpr int kLaneElements = 2;
  static DMOE_INLINE Sum load_sum(const float* p) { return load(p); }
  static DMOE_INLINE void store_sum(float* p, Sum a) { store(p, a); }
  static DMOE_INLINE Left left(const uint16_t* p) { return load_pairs(p); }
  static DMOE_INLINE Right right(const uint16_t* p) { return broadcast_pair(p); }
  static DMOE_INLINE Sum multiply_add(Left l, Right r, Sum sum) { return dot_pairs(l, r, sum); }
};

template <class Format>
DMOE_INLINE int64_t run_peak(const typename Format::Task& t) {
  constexpr int kSums = Format::kSums;
  static_assert(kSums <= kPeakSums);
  typename Format::Sum sums[kSums];
  const typename Format::Left left = Format::left(t.left);
  const typename Format::Right first = Format::right(t.right);
  const typename Format::Right second = Format::right(t.right + Format::kLaneElements);
#pragma GCC unroll 32
  for (int j = 0; j < kSums; ++j) sums[j] = Format::load_sum(t.sums + 16 * j);
  for (int64_t i = 0; i < t.rounds; ++i) {
#pragma GCC unroll 32
    for (int j = 0; j < kSums; ++j) sums[j] = Format::multiply_add(left, first, sums[j]);
#pragma GCC unroll 32
    for (int j = 0; j < kSums; ++j) sums[j] = Format::multiply_add(left, second, sums[j]);
  }
#pragma GCC unroll 32
  for (int j = 0; j < kSums; ++j) Format::store_sum(t.sums + 16 * j, sums[j]);
  constexpr int kOperationsPerLane = 2 * Format::kLaneElements;
  return t.rounds * 2 * kSums * 16 * kOperationsPerLane;
}

// Line: 64 bytes, with load(p), a ^ b and fold(a), the xor of its words.
template <class Line, int kStreams, bool kPrefetch>
DMOE_INLINE uint64_t read_parts(const char* base, int64_t lines, int64_t ahead) {
  // Four lines of one stream after the other; four sums break the chain of xors.
  constexpr int kBurst = 4;
  // Streams that lie a multiple of 4 KiB apart would meet in the same sets of a cache.
  constexpr int64_t kSkewedLines = 64, kSkew = 9;
  int64_t part_lines = lines / kStreams;
  if (kStreams > 1 && part_lines > kSkewedLines) part_lines -= (part_lines - kSkew) % kSkewedLines;
  const int64_t part = part_lines * 64;
  const int64_t bursts = part_lines / kBurst;
  Line sum[kBurst] = {};
  const char* p = base;
  for (int64_t i = 0; i < bursts; ++i, p += 64 * kBurst) {
#pragma GCC unroll 8
    for (int s = 0; s < kStreams; ++s) {
#pragma GCC unroll 4
      for (int k = 0; k < kBurst; ++k) {
        // Past the end it names memory that need not exist: such a prefetch does nothing.
        if constexpr (kPrefetch) __builtin_prefetch(p + s * part + 64 * k + ahead);
        sum[k] = sum[k] ^ Line::load(p + s * part + 64 * k);
      }
    }
  }
  for (int s = 0; s < kStreams; ++s) {
    for (int64_t i = bursts * kBurst; i < part_lines; ++i)
      sum[0] = sum[0] ^ Line::load(base + s * part + 64 * i);
  }
  for (int64_t i = part_lines * kStreams; i < lines; ++i) sum[1] = sum[1] ^ Line::load(base + 64 * i);
  return Line::fold((sum[0] ^ sum[1]) ^ (sum[2] ^ sum[3]));
}

template <class Line, int kStreams>
DMOE_INLINE uint64_t read_in(const ReadStreams& t) {
  const auto* base = static_cast<const char*>(t.base);
  const int64_t lines = t.bytes >> 6;
  if (t.ahead == 0) return read_parts<Line, kStreams, false>(base, lines, 0);
  return read_parts<Line, kStreams, true>(base, lines, t.ahead);
}

template <class Line>
DMOE_INLINE uint64_t read_streams(const ReadStreams& t) {
  if (t.streams == 8) return read_in<Line, 8>(t);
  if (t.streams == 4) return read_in<Line, 4>(t);
  return read_in<Line, 1>(t);
}

}  // namespace
}  // namespace dmoe
