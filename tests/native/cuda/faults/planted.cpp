#include "cuda/faults/planted.hpp"

#include <cstdlib>
#include <cstring>
#include <regex>

namespace dmoe::test {

const std::vector<Fault>& all_faults() {
  static const std::vector<Fault> all = [] {
    std::vector<Fault> out;
    const auto add_each = [&](const char* name, const char* file, const char* from, const char* to, int count,
                              int but, const char* tests) {
      for (int i = 0; i < count; ++i)
        if (i != but)
          out.push_back(
              {std::string(name) + ", place " + std::to_string(i), file, from, to, i, tests, count});
    };
#define DMOE_PTX_FAULT(name, file, from, to, which, tests) \
  out.push_back({name, file, from, to, which, tests});
#define DMOE_PTX_FAULTS(name, file, from, to, count, but, tests) \
  add_each(name, file, from, to, count, but, tests);
#define DMOE_SOURCE_FAULT(name, what, tests) out.push_back({name, "source", what, "", 0, tests});
#include "cuda/faults/faults.inc"
#undef DMOE_PTX_FAULT
#undef DMOE_PTX_FAULTS
#undef DMOE_SOURCE_FAULT
    return out;
  }();
  return all;
}

const Fault* planted_fault() {
  const char* name = std::getenv("DMOE_CUDA_FAULT");
  for (const Fault& fault : all_faults()) {
    if (name != nullptr && fault.name == name) return &fault;
  }
  return nullptr;
}

int places_of(const std::string& text, const Fault& fault) {
  const std::regex from(fault.from);
  return static_cast<int>(std::distance(std::sregex_iterator(text.begin(), text.end(), from), {}));
}

std::string with_fault(const std::string& text, const Fault& fault) {
  const std::regex from(fault.from);
  std::string out;
  size_t copied = 0;
  int seen = 0;
  bool found = false;
  for (std::sregex_iterator it(text.begin(), text.end(), from), end; it != end; ++it, ++seen) {
    if (fault.which >= 0 && seen != fault.which) continue;
    const auto at = static_cast<size_t>(it->position());
    out.append(text, copied, at - copied).append(it->format(fault.to));
    copied = at + static_cast<size_t>(it->length());
    found = true;
  }
  return found ? out.append(text, copied) : "";
}

}  // namespace dmoe::test
