// gate: probabilities of the experts, kept unnormalised.
// in  logits[T,E] finite    out mass[T,E], totals[T] = tree sum of mass
// softmax: mass = e^(l - max l), p = mass / total. sigmoid: mass = p = 1 / (1 + e^-l).
// Error: mass within 4 units of 2^-24 of exact (e^x is good to 2 ulp, one rounding before it moves x by 2^-24
// |x|, which adds 2^-24 |l - max|); below e^-87 it becomes denormal and is 0 below e^-104. All levels return
// the same bits.
#ifndef DYNAMICMOE_OPS_GATE_GATE_HPP_
#define DYNAMICMOE_OPS_GATE_GATE_HPP_

#include <stdint.h>

namespace dmoe {

struct Gate {
  const float* logits;  // [rows, experts], stride elements apart
  int64_t stride;
  int64_t rows;
  int32_t experts;
  float* mass;    // [out] [rows, experts], stride elements apart
  float* totals;  // [out] [rows]
};
using gate_softmax_kernel = void(const Gate&);
using gate_sigmoid_kernel = void(const Gate&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/gate/gate.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_GATE_GATE_HPP_
