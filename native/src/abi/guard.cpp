#include "abi/guard.hpp"

#include <cstdio>
#include <new>

namespace dmoe {
namespace {

// Plain bytes: no constructor, no destructor, so it costs nothing on threads that never fail.
thread_local char text_of_thread[Status::kCapacity + 64];

}  // namespace

dmoe_status record_failure(dmoe_status code, const char* operation, const char* text) noexcept {
  std::snprintf(text_of_thread, sizeof text_of_thread, "%s: %s", operation, text);
  return code;
}

dmoe_status record_current_exception(const char* operation) noexcept {
  try {
    throw;
  } catch (const Status& status) {
    return record_failure(status.code(), operation, status.what());
  } catch (const std::bad_alloc&) {
    return record_failure(DMOE_E_NO_MEMORY, operation, "out of memory");
  } catch (const std::exception& other) {
    return record_failure(DMOE_E_INTERNAL, operation, other.what());
  } catch (...) {
    return record_failure(DMOE_E_INTERNAL, operation, "unknown exception");
  }
}

const char* last_failure() noexcept { return text_of_thread; }

}  // namespace dmoe
