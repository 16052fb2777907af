// Scratch memory of a call: taken whole from a pool, divided by a bump pointer, handed back at the end.
#ifndef DYNAMICMOE_CORE_WORKSPACE_HPP_
#define DYNAMICMOE_CORE_WORKSPACE_HPP_

#include <cstddef>
#include <cstdint>
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

/** Free blocks, by size. There are as many as calls ever ran at a time, each grows to what the largest call
 * takes, and then nothing is allocated. */
class WorkspacePool {
 public:
  /** @param most_idle bytes that are kept while no call uses them; blocks beyond that are freed when they
   * come back */
  explicit WorkspacePool(std::size_t most_idle = SIZE_MAX) noexcept : most_idle_(most_idle) {}
  WorkspacePool(const WorkspacePool&) = delete;
  WorkspacePool& operator=(const WorkspacePool&) = delete;
  ~WorkspacePool();

  /** Frees the blocks that no call uses. */
  void free_idle() noexcept;

  WorkspaceFigures figures() const;
  /** Makes blocks of `bytes` or frees the smallest until `idle` of them are free. Throws std::bad_alloc. */
  void keep_idle(int32_t idle, std::size_t bytes);

  /** A block for the length of a scope. */
  class Lease {
   public:
    /** Takes the smallest free block of at least `bytes`; else allocates one, in place of the largest that is
     * too small. Throws std::bad_alloc. */
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
  struct Block* take(std::size_t bytes) noexcept;
  void put(struct Block* block) noexcept;
  void count_made(const struct Block& block) noexcept;
  void count_freed(const struct Block& block) noexcept;
  void count_use() noexcept;
  int32_t idle() const noexcept { return figures_.blocks - figures_.in_use; }

  const std::size_t most_idle_;
  mutable std::mutex mutex_;
  struct Block* free_ = nullptr;  // in ascending order of size
  std::size_t idle_bytes_ = 0;    // bytes of these
  WorkspaceFigures figures_;
};

/** A share in the one pool of this process for objects of which many exist and few run at a time, such as the
 * layers of a decoder. What is idle is freed with the last share. */
class SharedWorkspaces {
 public:
  SharedWorkspaces() noexcept;
  SharedWorkspaces(const SharedWorkspaces&) = delete;
  SharedWorkspaces& operator=(const SharedWorkspaces&) = delete;
  ~SharedWorkspaces();

  WorkspacePool& pool() const noexcept;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_WORKSPACE_HPP_
