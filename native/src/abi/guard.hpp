// The one place where exceptions stop: every export runs its body inside guard().
#ifndef DYNAMICMOE_ABI_GUARD_HPP_
#define DYNAMICMOE_ABI_GUARD_HPP_

#include "core/status.hpp"

namespace dmoe {

/** Stores "operation: text" as this thread's last failure; clear when text is NULL. @return the code */
dmoe_status record_failure(dmoe_status code, const char* operation, const char* text) noexcept;
/** @return the code of the exception being handled, with its text recorded. */
dmoe_status record_current_exception(const char* operation) noexcept;
/** @return this thread's text. */
const char* last_failure() noexcept;

/** Runs body() and turns whatever it throws into a status and a text. */
template <typename Body>
dmoe_status guard(const char* operation, Body&& body) noexcept {
  try {
    body();
    return DMOE_OK;
  } catch (...) {
    return record_current_exception(operation);
  }
}

}  // namespace dmoe

#endif  // DYNAMICMOE_ABI_GUARD_HPP_
