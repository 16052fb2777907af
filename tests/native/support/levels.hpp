// The instruction-set levels that this machine runs.
#ifndef DYNAMICMOE_TESTS_SUPPORT_LEVELS_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_LEVELS_HPP_

#include <vector>

#include "engine/cpu.hpp"

namespace dmoe::test {

inline std::vector<dmoe_isa> levels() {
  std::vector<dmoe_isa> found;
  for (int isa = DMOE_ISA_SCALAR; isa <= DMOE_ISA_NEON; ++isa)
    if (cpu_info().isa_supported & (1u << isa)) found.push_back(static_cast<dmoe_isa>(isa));
  return found;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_LEVELS_HPP_
