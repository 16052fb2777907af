#include "host/kernels.hpp"

#include <cstring>
#include <string_view>

#include "core/status.hpp"

namespace dmoe::cuda {
namespace {

constexpr std::string_view kEntry = ".visible .entry ";

// Calls use(name) for each entry that a PTX text defines.
template <typename Use>
void for_each_entry(std::string_view text, Use&& use) {
  for (std::size_t at = text.find(kEntry); at != text.npos; at = text.find(kEntry, at)) {
    at += kEntry.size();
    use(std::string(text.substr(at, text.find_first_of("( \t\r\n", at) - at)));
  }
}

}  // namespace

Kernels::Kernels(const Context& context, const PtxImage* images, int count) {
  for (int i = 0; i < count; ++i) {
    const Module& module = modules_.emplace_back(context, images[i]);
    for_each_entry(images[i].text,
                   [&](const std::string& name) { entries_.emplace(name, module.function(name.c_str())); });
  }
}

FunctionHandle Kernels::at(const char* entry) const {
  const auto found = entries_.find(std::string_view(entry));
  DMOE_REQUIRE(found != entries_.end(), DMOE_E_BACKEND, "this build has no kernel %s", entry);
  return found->second;
}

}  // namespace dmoe::cuda
