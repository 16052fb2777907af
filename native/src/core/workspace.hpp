// Scratch memory of a call: taken whole from a pool of the object, divided by a bump pointer, handed back at
// the end.
#ifndef DYNAMICMOE_CORE_WORKSPACE_HPP_
#define DYNAMICMOE_CORE_WORKSPACE_HPP_

#include <cstddef>
#include <mutex>

#include "core/memory.hpp"

namespace dmoe {

/** Divides one block into 64-byte aligned arrays. Without a block it only measures, so that the code that
 * lays out a workspace also computes its size: `Arena measure; lay(measure, ...);
 * pool.reserve(measure.used());`. */
class Arena {
 public:
  Arena() = default;
  Arena(std::byte* data, std::size_t size) : data_(data), size_(size) {}

  /** @return count elements, uninitialised; nullptr while measuring. Throws std::bad_alloc past the end. */
  template <typename T>
  T* take(std::size_t count) {
    return static_cast<T*>(take_bytes(count, sizeof(T)));
  }
  std::size_t used() const noexcept { return used_; }

 private:
  void* take_bytes(std::size_t count, std::size_t element);

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t used_ = 0;
};

/** Free list of equal blocks. It grows to the largest number of concurrent calls and then allocates nothing.
 */
class WorkspacePool {
 public:
  WorkspacePool() = default;
  WorkspacePool(const WorkspacePool&) = delete;
  WorkspacePool& operator=(const WorkspacePool&) = delete;
  ~WorkspacePool();

  /** A block for the length of a scope. */
  class Lease {
   public:
    /** Takes a free block of at least `bytes`, or allocates one. Throws std::bad_alloc. */
    Lease(WorkspacePool& pool, std::size_t bytes);
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();
    /** @return an arena over the whole block. */
    Arena arena() noexcept;

   private:
    WorkspacePool& pool_;
    struct Block* block_;
  };

 private:
  std::mutex mutex_;
  struct Block* free_ = nullptr;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_WORKSPACE_HPP_
