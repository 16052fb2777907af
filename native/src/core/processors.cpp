#include "core/processors.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <cstring>

namespace dmoe {

ProcessorMask::ProcessorMask(pid_t thread) noexcept {
  if (sched_getaffinity(thread, bytes(), sets_.data()) != 0) sets_ = {};
}

// The main thread has the process's number.
ProcessorMask ProcessorMask::of_process() noexcept { return ProcessorMask(getpid()); }

ProcessorMask ProcessorMask::of_this_thread() noexcept { return ProcessorMask(0); }

bool ProcessorMask::has(int processor) const noexcept {
  return CPU_ISSET_S(static_cast<std::size_t>(processor), bytes(), sets_.data()) != 0;
}

bool ProcessorMask::empty() const noexcept { return CPU_COUNT_S(bytes(), sets_.data()) == 0; }

bool ProcessorMask::operator==(const ProcessorMask& other) const noexcept {
  return std::memcmp(sets_.data(), other.sets_.data(), bytes()) == 0;
}

void ProcessorMask::bind_this_thread() const noexcept {
  if (!empty()) sched_setaffinity(0, bytes(), sets_.data());
}

}  // namespace dmoe
