// gate / NEON.
#include "ops/gate/gate.hpp"
#include "ops/gate/gate.inl"

namespace dmoe {

void gate_softmax__neon(const Gate& task) { gate_softmax(task); }
void gate_sigmoid__neon(const Gate& task) { gate_sigmoid(task); }

}  // namespace dmoe
