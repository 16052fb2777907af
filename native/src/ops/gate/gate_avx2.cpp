// gate / AVX2.
#include "ops/gate/gate.hpp"
#include "ops/gate/gate.inl"

namespace dmoe {

void gate_softmax__avx2(const Gate& task) { gate_softmax(task); }
void gate_sigmoid__avx2(const Gate& task) { gate_sigmoid(task); }

}  // namespace dmoe
