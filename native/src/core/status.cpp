#include "core/status.hpp"

#include <cstdarg>
#include <cstdio>

namespace dmoe {

Status::Status(dmoe_status code, const char* text) noexcept : code_(code) {
  std::snprintf(text_, kCapacity, "%s", text);
}

void fail(dmoe_status code, const char* format, ...) {
  char text[Status::kCapacity];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  throw Status(code, text);
}

}  // namespace dmoe
