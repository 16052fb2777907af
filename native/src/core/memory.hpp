// Counted, 64-byte aligned memory: what dmoe_runtime_info reports as allocated_bytes and allocation_count.
#ifndef DYNAMICMOE_CORE_MEMORY_HPP_
#define DYNAMICMOE_CORE_MEMORY_HPP_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace dmoe {

inline constexpr std::size_t kAlignment = 64;

/** @return 64-byte aligned, uninitialised memory. Throws std::bad_alloc. */
void* allocate(std::size_t bytes);
/** Frees what allocate() gave; the size must be the same. Accepts NULL. */
void release(void* memory, std::size_t bytes) noexcept;

/** Bytes now held through allocate(). */
int64_t allocated_bytes() noexcept;
/** Calls of allocate() since the library was loaded. */
int64_t allocation_count() noexcept;

/** A fixed-size array of a trivial type in counted memory; elements start as zero bytes. */
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : count_(count) {
    if (count > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) throw std::bad_alloc();
    if (count == 0) return;
    data_ = static_cast<T*>(allocate(count * sizeof(T)));
    std::memset(static_cast<void*>(data_), 0, count * sizeof(T));
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() { release(data_, count_ * sizeof(T)); }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return count_; }
  std::size_t bytes() const noexcept { return count_ * sizeof(T); }
  bool empty() const noexcept { return count_ == 0; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }

  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_MEMORY_HPP_
