// Compiled without -fsanitize=thread, as engine.cpp is: the operands of other lanes are no shared memory.
#include "cuda/sim/collectives.hpp"

#include <cstring>

namespace dmoe::sim {
namespace {

constexpr int kLanes = 32;
constexpr uint64_t kMeaningless = 0xa5a5a5a5a5a5a5a5u;

template <class T>
const T& lane_in(const void* const* in, int lane) {
  return *static_cast<const T*>(in[lane]);
}
template <class T>
T& lane_out(void* const* out, int lane) {
  return *static_cast<T*>(out[lane]);
}

/** Source lane and whether it is in range, as the PTX manual has it for shfl. */
template <class Source>
void shfl(unsigned mask, const void* const* in, void* const* out, Source source) {
  for (int l = 0; l < kLanes; ++l) {
    if ((mask >> l & 1) == 0) continue;
    const ShflIn& mine = lane_in<ShflIn>(in, l);
    const int segment = mine.c >> 8 & 31, clamp = mine.c & 31;
    const int lowest = l & segment, limit = lowest | (clamp & ~segment);
    int from = l;
    const bool in_range = source(l, static_cast<int>(mine.b & 31), lowest, limit, segment, &from);
    if (!in_range) from = l;
    const bool there = (mask >> (from & 31) & 1) != 0;
    lane_out<ShflOut>(out, l) = {there ? lane_in<ShflIn>(in, from & 31).value : kMeaningless, in_range};
  }
}

template <class T, class Op>
void reduce(unsigned mask, const void* const* in, void* const* out, Op op) {
  const int first = __builtin_ctz(mask);
  T sum = lane_in<T>(in, first);
  for (int l = first + 1; l < kLanes; ++l) {
    if (mask >> l & 1) sum = op(sum, lane_in<T>(in, l));
  }
  for (int l = 0; l < kLanes; ++l) {
    if (mask >> l & 1) lane_out<T>(out, l) = sum;
  }
}

void matrices(unsigned mask, const void* const* in, void* const* out, bool transposed) {
  for (int l = 0; l < kLanes; ++l) {
    if ((mask >> l & 1) == 0) continue;
    for (int matrix = 0; matrix < 4; ++matrix) {
      uint32_t both = 0;
      for (int e = 0; e < 2; ++e) {
        const int i = l / 4, j = l % 4 * 2 + e;
        const int row = transposed ? j : i, column = transposed ? i : j;
        both |= uint32_t{lane_in<MatrixRow>(in, matrix * 8 + row).element[column]} << (16 * e);
      }
      lane_out<MatrixOut>(out, l).part[matrix] = both;
    }
  }
}

float half_of(uint32_t pair, int high) {
  const uint32_t bits = high ? pair & 0xffff0000u : pair << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

void shfl_idx(unsigned mask, const void* const* in, void* const* out) {
  shfl(mask, in, out, [](int, int b, int lowest, int limit, int segment, int* from) {
    return (*from = lowest | (b & ~segment)) <= limit;
  });
}
void shfl_up(unsigned mask, const void* const* in, void* const* out) {
  shfl(mask, in, out, [](int l, int b, int, int limit, int, int* from) { return (*from = l - b) >= limit; });
}
void shfl_down(unsigned mask, const void* const* in, void* const* out) {
  shfl(mask, in, out, [](int l, int b, int, int limit, int, int* from) { return (*from = l + b) <= limit; });
}
void shfl_bfly(unsigned mask, const void* const* in, void* const* out) {
  shfl(mask, in, out, [](int l, int b, int, int limit, int, int* from) { return (*from = l ^ b) <= limit; });
}

void ballot(unsigned mask, const void* const* in, void* const* out) {
  unsigned set = 0;
  for (int l = 0; l < kLanes; ++l) {
    if ((mask >> l & 1) && lane_in<int>(in, l) != 0) set |= 1u << l;
  }
  for (int l = 0; l < kLanes; ++l) {
    if (mask >> l & 1) lane_out<unsigned>(out, l) = set;
  }
}
void match_any(unsigned mask, const void* const* in, void* const* out) {
  for (int l = 0; l < kLanes; ++l) {
    if ((mask >> l & 1) == 0) continue;
    unsigned same = 0;
    for (int o = 0; o < kLanes; ++o) {
      if ((mask >> o & 1) && lane_in<uint64_t>(in, o) == lane_in<uint64_t>(in, l)) same |= 1u << o;
    }
    lane_out<unsigned>(out, l) = same;
  }
}
void sync_warp(unsigned, const void* const*, void* const*) {}

void reduce_add(unsigned mask, const void* const* in, void* const* out) {
  reduce<uint32_t>(mask, in, out, [](uint32_t a, uint32_t b) { return a + b; });
}
void reduce_min_signed(unsigned mask, const void* const* in, void* const* out) {
  reduce<int32_t>(mask, in, out, [](int32_t a, int32_t b) { return b < a ? b : a; });
}
void reduce_max_signed(unsigned mask, const void* const* in, void* const* out) {
  reduce<int32_t>(mask, in, out, [](int32_t a, int32_t b) { return a < b ? b : a; });
}
void reduce_min_unsigned(unsigned mask, const void* const* in, void* const* out) {
  reduce<uint32_t>(mask, in, out, [](uint32_t a, uint32_t b) { return b < a ? b : a; });
}
void reduce_max_unsigned(unsigned mask, const void* const* in, void* const* out) {
  reduce<uint32_t>(mask, in, out, [](uint32_t a, uint32_t b) { return a < b ? b : a; });
}
void reduce_and(unsigned mask, const void* const* in, void* const* out) {
  reduce<uint32_t>(mask, in, out, [](uint32_t a, uint32_t b) { return a & b; });
}
void reduce_or(unsigned mask, const void* const* in, void* const* out) {
  reduce<uint32_t>(mask, in, out, [](uint32_t a, uint32_t b) { return a | b; });
}
void reduce_xor(unsigned mask, const void* const* in, void* const* out) {
  reduce<uint32_t>(mask, in, out, [](uint32_t a, uint32_t b) { return a ^ b; });
}

void ldmatrix(unsigned mask, const void* const* in, void* const* out) { matrices(mask, in, out, false); }
void ldmatrix_trans(unsigned mask, const void* const* in, void* const* out) { matrices(mask, in, out, true); }

// Lane l holds of A the rows l / 4 and l / 4 + 8 at columns l % 4 * 2 and + 8, two each; of B column l / 4 at
// the same rows; of C and D rows l / 4 and + 8, columns l % 4 * 2 and + 1.
void mma_m16n8k16_bf16(unsigned, const void* const* in, void* const* out) {
  double a[16][16], b[8][16];
  for (int l = 0; l < kLanes; ++l) {
    const MmaIn& lane = lane_in<MmaIn>(in, l);
    for (int k = 0; k < 4; ++k) {  // two columns at + 0 and two at + 8
      const int column = l % 4 * 2 + (k / 2) * 8 + k % 2;
      a[l / 4][column] = half_of(lane.a[k / 2 * 2], k % 2);
      a[l / 4 + 8][column] = half_of(lane.a[k / 2 * 2 + 1], k % 2);
      b[l / 4][column] = half_of(lane.b[k / 2], k % 2);
    }
  }
  for (int l = 0; l < kLanes; ++l) {
    const MmaIn& lane = lane_in<MmaIn>(in, l);
    for (int i = 0; i < 4; ++i) {
      const double* row = a[l / 4 + i / 2 * 8];
      const double* column = b[l % 4 * 2 + i % 2];
      double sum = lane.c[i];
      for (int k = 0; k < 16; ++k) sum += row[k] * column[k];
      lane_out<MmaOut>(out, l).d[i] = static_cast<float>(sum);
    }
  }
}

}  // namespace dmoe::sim
