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

/** What a pool holds, and what it was used for. */
struct WorkspaceFigures {
  int32_t blocks = 0;  // those in use included
  int32_t in_use = 0;
  int32_t most_in_use = 0;
  int64_t bytes = 0;
  int64_t leases = 0;       // ever
  int64_t allocations = 0;  // ever
};

/** Free list of equal blocks. It grows to the largest number of concurrent calls and then allocates nothing.
 */
class WorkspacePool {
 public:
  WorkspacePool() = default;
  WorkspacePool(const WorkspacePool&) = delete;
  WorkspacePool& operator=(const WorkspacePool&) = delete;
  ~WorkspacePool();

  WorkspaceFigures figures() const;
  /** Makes blocks of `bytes` or frees blocks until `idle` of them are free. Throws std::bad_alloc. */
  void keep_idle(int32_t idle, std::size_t bytes);

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
  // With the mutex held.
  struct Block* take();
  void give_back(struct Block* block) noexcept;
  void count_made(const struct Block& block) noexcept;
  void count_freed(const struct Block& block) noexcept;
  void count_use() noexcept;
  int32_t idle() const noexcept { return figures_.blocks - figures_.in_use; }

  mutable std::mutex mutex_;
  struct Block* free_ = nullptr;
  WorkspaceFigures figures_;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_WORKSPACE_HPP_
