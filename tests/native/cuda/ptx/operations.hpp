// The instructions that the interpreter knows, by their full names with all modifiers.
#ifndef DYNAMICMOE_TESTS_CUDA_PTX_OPERATIONS_HPP_
#define DYNAMICMOE_TESTS_CUDA_PTX_OPERATIONS_HPP_

#include <string>
#include <unordered_map>

#include "cuda/ptx/module.hpp"

namespace dmoe::ptx {

struct Operation {
  void (*run)(Machine& machine, const Instruction& it);
  /** Vectors flattened. */
  size_t operands;
};
using Operations = std::unordered_map<std::string, Operation>;

/** All of them. A mov with a vector on the right is "mov.<type>.pack", on the left "mov.<type>.unpack". */
const Operations& operations();

void add_integer_operations(Operations& all);
void add_bit_operations(Operations& all);
void add_float_operations(Operations& all);
void add_conversions(Operations& all);
void add_memory_operations(Operations& all);
void add_atomic_operations(Operations& all);
void add_block_operations(Operations& all);
void add_warp_operations(Operations& all);

}  // namespace dmoe::ptx

#endif  // DYNAMICMOE_TESTS_CUDA_PTX_OPERATIONS_HPP_
