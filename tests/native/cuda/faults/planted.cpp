#include "cuda/faults/planted.hpp"

#include <cstdlib>
#include <cstring>

namespace dmoe::test {

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> all{
#define DMOE_PTX_FAULT(name, file, from, to, which, tests) {name, file, from, to, which, tests},
#define DMOE_SOURCE_FAULT(name, what, tests) {name, "source", what, "", 0, tests},
#include "cuda/faults/faults.inc"
#undef DMOE_PTX_FAULT
#undef DMOE_SOURCE_FAULT
  };
  return all;
}

const Fault* planted_fault() {
  const char* name = std::getenv("DMOE_CUDA_FAULT");
  for (const Fault& fault : all_faults()) {
    if (name != nullptr && std::strcmp(fault.name, name) == 0) return &fault;
  }
  return nullptr;
}

std::string with_fault(const std::string& text, const Fault& fault) {
  std::string out = text;
  const size_t from = std::strlen(fault.from), to = std::strlen(fault.to);
  bool found = false;
  int seen = 0;
  for (size_t at = 0; (at = out.find(fault.from, at)) != std::string::npos;) {
    const bool here = fault.which < 0 || seen == fault.which;
    ++seen;
    if (here) out.replace(at, from, fault.to);
    found |= here;
    at += here ? to : from;
  }
  return found ? out : "";
}

}  // namespace dmoe::test
