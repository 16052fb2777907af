// Every kernel of a list that runs on this machine, so that a test covers a new line of an .inc file by
// itself.
#ifndef DYNAMICMOE_TESTS_SUPPORT_KERNEL_LINES_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_KERNEL_LINES_HPP_

#include <string>
#include <type_traits>
#include <vector>

#include "engine/cpu.hpp"
#include "engine/ops.hpp"

namespace dmoe::test {

template <typename Kernel>
struct KernelLine {
  std::string name;
  dmoe_isa isa;
  Kernel* run;
};

template <typename Kernel, typename Other>
void collect(const std::string& wanted, const char* op, const char* name, dmoe_isa isa, Other* run,
             std::vector<KernelLine<Kernel>>& lines) {
  if constexpr (std::is_same_v<Kernel, Other>) {
    const bool runs_here = (cpu_info().isa_supported & (1u << isa)) != 0;
    if (wanted == op && runs_here) lines.push_back({name, isa, run});
  }
}

/** Lines of an operation, best first; the last one is the portable kernel. */
template <typename Kernel>
std::vector<KernelLine<Kernel>> kernel_lines(const std::string& op_name) {
  std::vector<KernelLine<Kernel>> lines;
#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) \
  DMOE_HERE(level, collect<Kernel>(op_name, #op, #name, level, &name, lines);)
#include "engine/kernels.inc"
#undef DMOE_OP
#undef DMOE_KERNEL
  return lines;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_KERNEL_LINES_HPP_
