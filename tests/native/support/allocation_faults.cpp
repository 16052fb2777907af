#include "support/allocation_faults.hpp"

#include <cstdlib>
#include <new>

namespace {

// Plain data: read by operator new before and after anything else of a thread exists.
struct Watch {
  bool on;
  int64_t which;
  int64_t asked;
  int64_t held;
  void (*instead)();
};
constinit thread_local Watch watch{};

// Counts an allocation. @return whether it is to fail
bool refuses() {
  if (!watch.on || ++watch.asked != watch.which) return false;
  if (watch.instead == nullptr) return true;
  watch.instead();
  return false;
}

void* taken(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  if (watch.on) ++watch.held;
  return memory;
}

void give_back(void* memory) {
  if (memory != nullptr && watch.on) --watch.held;
  std::free(memory);
}

}  // namespace

extern "C" {
void* __real_aligned_alloc(std::size_t alignment, std::size_t bytes);
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t bytes);

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return refuses() ? nullptr : __real_aligned_alloc(alignment, bytes);
}
}

void* operator new(std::size_t bytes) {
  if (refuses()) throw std::bad_alloc();
  return taken(std::malloc(bytes > 0 ? bytes : 1));
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }

// Every form: a sanitizer has forms of its own, whose memory the deletes below could not free.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  if (refuses()) return nullptr;
  void* const memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory != nullptr && watch.on) ++watch.held;
  return memory;
}
void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept {
  return operator new(bytes, tag);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  if (refuses()) throw std::bad_alloc();
  const auto unit = static_cast<std::size_t>(alignment);
  return taken(__real_aligned_alloc(unit, (bytes + unit - 1) / unit * unit));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) { return operator new(bytes, alignment); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { give_back(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace dmoe::test {

AllocationFault::AllocationFault(int64_t which, void (*instead)()) { watch = {true, which, 0, 0, instead}; }

AllocationFault::~AllocationFault() { end(); }

void AllocationFault::end() {
  if (!watch.on) return;
  watch.on = false;
  asked_ = watch.asked;
  held_ = watch.held;
  fired_ = watch.which > 0 && watch.asked >= watch.which;
}

}  // namespace dmoe::test
