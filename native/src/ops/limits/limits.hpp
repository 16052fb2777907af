// limits: what a processor does at most, to hold the other kernels against. Nothing here serves a request.
//
// peak_*        a format's product instruction on registers alone. Each round adds left * right[0] and then
//               left * right[1] to each sum that the level keeps, lane by lane:
//                 peak_f32   fma(left, right, sum)                      2 operations per lane
//                 peak_bf16  sum + both products of a pair              4 operations per lane
//                 peak_int8  sum + four products u8 * s8                8 operations per lane
//               Sums that fit their type are exact: the same at every level for small integers.
// read_streams  reads every byte once, in parallel sequential streams, and does as little with it as it can.
//
// Sums come from memory and go back, so that a compiler can neither take them for equal nor leave them out;
// what it could compute once (a product of two operands, without a sum) the levels keep opaque to it.
#ifndef DYNAMICMOE_OPS_LIMITS_LIMITS_HPP_
#define DYNAMICMOE_OPS_LIMITS_LIMITS_HPP_

#include <stdint.h>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

/** Most sums of 16 lanes that a level keeps in registers. */
constexpr int kPeakSums = 24;

template <class Left, class Right, class Sum>
struct Peak {
  int64_t rounds;      // >= 0
  const Left* left;    // 16 lanes
  const Right* right;  // two lanes, each taken for all 16
  Sum* sums;           // [kPeakSums, 16]; those that the level keeps are added to, in order
};
using PeakF32 = Peak<float, float, float>;         // left [16], right [2]
using PeakBf16 = Peak<uint16_t, uint16_t, float>;  // left [16, 2], right [2, 2]
using PeakInt8 = Peak<uint8_t, int8_t, int32_t>;   // left [16, 4], right [2, 4]; no pair may leave 16 bits

struct ReadStreams {
  const void* base;  // aligned to 64 bytes
  int64_t bytes;     // a multiple of 64
  int streams;       // 1, 4 or 8; each reads a contiguous part
  int64_t ahead;     // software prefetch by so many bytes in each stream; 0 = none
};

/** @return operations done. */
using peak_f32_kernel = int64_t(const PeakF32&);
using peak_bf16_kernel = int64_t(const PeakBf16&);
using peak_int8_kernel = int64_t(const PeakInt8&);
/** @return xor of the 64-bit words read. */
using read_streams_kernel = uint64_t(const ReadStreams&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/limits/limits.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_LIMITS_LIMITS_HPP_
