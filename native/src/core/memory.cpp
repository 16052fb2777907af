#include "core/memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace dmoe {
namespace {

std::atomic<int64_t> held{0};
std::atomic<int64_t> count{0};

// From this size on memory is whole huge pages and the kernel is asked for them: a walk over packed weights,
// the router's among them, else misses the TLB at every 4 KiB.
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugeFrom = kHugePage / 8;

std::size_t alignment_for(std::size_t bytes) { return bytes >= kHugeFrom ? kHugePage : kAlignment; }

// What is really taken: aligned_alloc asks for a multiple of the alignment; allocators other than the C
// library's insist on it.
std::size_t taken_for(std::size_t bytes) {
  const std::size_t alignment = alignment_for(bytes);
  return (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
  const std::size_t taken = taken_for(bytes);
  void* memory = std::aligned_alloc(alignment_for(bytes), taken);
  if (memory == nullptr) throw std::bad_alloc();
  // Advice only: refused, the memory is as good.
  if (bytes >= kHugeFrom) madvise(memory, taken, MADV_HUGEPAGE);
  held.fetch_add(static_cast<int64_t>(taken), std::memory_order_relaxed);
  count.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void release(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  held.fetch_sub(static_cast<int64_t>(taken_for(bytes)), std::memory_order_relaxed);
  std::free(memory);
}

int64_t allocated_bytes() noexcept { return held.load(std::memory_order_relaxed); }
int64_t allocation_count() noexcept { return count.load(std::memory_order_relaxed); }

}  // namespace dmoe
