#include "driver/failure.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "core/status.hpp"

namespace dmoe::cuda {

ResultText::ResultText(const Api& api, Result result) noexcept {
  const char* name = nullptr;
  const char* text = nullptr;
  if (api.cuGetErrorName == nullptr || api.cuGetErrorName(result, &name) != kSuccess || name == nullptr)
    name = "an unknown error";
  if (api.cuGetErrorString == nullptr || api.cuGetErrorString(result, &text) != kSuccess || text == nullptr)
    text = "";
  std::snprintf(text_, sizeof text_, "%s (%d)%s%s", name, result, *text ? ": " : "", text);
}

bool is_final(Result result) noexcept {
  // Deinitialised, device unavailable, uncorrectable memory error, illegal address, timeout, destroyed
  // context, assertion, and the faults of hardware, instruction, alignment, address space, program counter
  // and launch.
  constexpr Result kFinal[] = {4, 46, 214, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719};
  return std::find(std::begin(kFinal), std::end(kFinal), result) != std::end(kFinal);
}

void check(const Api& api, Result result, const char* operation) {
  if (result == kSuccess) [[likely]]
    return;
  fail(result == kOutOfMemory ? DMOE_E_DEVICE_MEMORY : DMOE_E_BACKEND, "%s: %s", operation,
       ResultText(api, result).c_str());
}

}  // namespace dmoe::cuda
