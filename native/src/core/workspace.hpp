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
  struct Block* take(std::size_t bytes) noexcept;
  struct Block* put_back(struct Block* block) noexcept;

  const std::size_t most_idle_;
  std::mutex mutex_;
  struct Block* free_ = nullptr;  // in ascending order of size
  std::size_t idle_ = 0;          // bytes of these
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
