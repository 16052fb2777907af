// Failure inside the library: an exception that carries a dmoe_status and a text, turned into both at the
// ABI.
#ifndef DYNAMICMOE_CORE_STATUS_HPP_
#define DYNAMICMOE_CORE_STATUS_HPP_

#include <cstddef>
#include <exception>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

/** Thrown by fail() and require(); the text is stored inline, so throwing allocates no text. */
class Status final : public std::exception {
 public:
  static constexpr std::size_t kCapacity = 400;

  Status(dmoe_status code, const char* text) noexcept;
  dmoe_status code() const noexcept { return code_; }
  const char* what() const noexcept override { return text_; }

 private:
  dmoe_status code_;
  char text_[kCapacity];
};

/** Throws Status with a printf-style text: what is wrong, the value, and the allowed range. */
[[noreturn]] void fail(dmoe_status code, const char* format, ...) __attribute__((format(printf, 2, 3), cold));

}  // namespace dmoe

/** Throws unless the condition holds. A macro, so that the text's arguments cost nothing when it does. */
#define DMOE_REQUIRE(condition, code, ...) \
  do {                                     \
    if (!(condition)) [[unlikely]]         \
      ::dmoe::fail(code, __VA_ARGS__);     \
  } while (false)

#endif  // DYNAMICMOE_CORE_STATUS_HPP_
