#include "core/workspace.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <new>
#include <utility>

namespace dmoe {

// Lies at the head of its own memory; the usable part starts one alignment unit later.
struct Block {
  Block* next;
  std::size_t size;  // bytes of the usable part
};
static_assert(sizeof(Block) <= kAlignment);

namespace {

Block* make_block(std::size_t bytes) {
  auto* block = static_cast<Block*>(allocate(kAlignment + bytes));
  block->next = nullptr;
  block->size = bytes;
  return block;
}

void free_block(Block* block) noexcept { release(block, kAlignment + block->size); }

// A block of the largest layers takes a quarter of this.
constexpr std::size_t kMostSharedIdle = std::size_t{1} << 30;

struct Shared {
  WorkspacePool pool{kMostSharedIdle};
  std::atomic<int64_t> users{0};
};

// Never destroyed: objects may outlive static destruction while the process exits.
Shared& shared() {
  alignas(Shared) static std::byte memory[sizeof(Shared)];
  static Shared* const instance = new (memory) Shared;
  return *instance;
}

}  // namespace

void* Arena::take_bytes(std::size_t count, std::size_t element) {
  if (count > std::numeric_limits<std::size_t>::max() / 4 / element) throw std::bad_alloc();
  const std::size_t bytes = (count * element + kAlignment - 1) / kAlignment * kAlignment;
  const std::size_t start = used_;
  if (bytes > std::numeric_limits<std::size_t>::max() / 2 - start) throw std::bad_alloc();
  used_ += bytes;
  if (data_ == nullptr) return nullptr;
  if (used_ > size_) throw std::bad_alloc();
  return data_ + start;
}

WorkspacePool::~WorkspacePool() { free_idle(); }

void WorkspacePool::free_idle() noexcept {
  Block* block;
  {
    std::lock_guard lock(mutex_);
    block = std::exchange(free_, nullptr);
    idle_bytes_ = 0;
    for (const Block* each = block; each != nullptr; each = each->next) count_freed(*each);
  }
  while (block != nullptr) {
    Block* next = block->next;
    free_block(block);
    block = next;
  }
}

// @return the smallest block of at least `bytes`, else the largest there is, nullptr when there is none
Block* WorkspacePool::take(std::size_t bytes) noexcept {
  if (free_ == nullptr) return nullptr;
  Block** at = &free_;
  while ((*at)->size < bytes && (*at)->next != nullptr) at = &(*at)->next;
  Block* block = *at;
  *at = block->next;
  idle_bytes_ -= block->size;
  return block;
}

// Before others of its size: the last one used is the likeliest in cache.
void WorkspacePool::put(Block* block) noexcept {
  Block** at = &free_;
  while (*at != nullptr && (*at)->size < block->size) at = &(*at)->next;
  block->next = *at;
  *at = block;
  idle_bytes_ += block->size;
}

void WorkspacePool::count_made(const Block& block) noexcept {
  ++figures_.blocks;
  ++figures_.allocations;
  figures_.bytes += static_cast<int64_t>(kAlignment + block.size);
}

void WorkspacePool::count_freed(const Block& block) noexcept {
  --figures_.blocks;
  figures_.bytes -= static_cast<int64_t>(kAlignment + block.size);
}

void WorkspacePool::count_use() noexcept {
  ++figures_.in_use;
  figures_.most_in_use = std::max(figures_.most_in_use, figures_.in_use);
}

WorkspaceFigures WorkspacePool::figures() const {
  std::lock_guard lock(mutex_);
  return figures_;
}

void WorkspacePool::keep_idle(int32_t idle, std::size_t bytes) {
  for (;;) {
    Block* block = nullptr;
    {
      std::lock_guard lock(mutex_);
      if (this->idle() == idle) return;
      if (this->idle() > idle) {
        block = take(0);
        count_freed(*block);
      }
    }
    if (block != nullptr) {
      free_block(block);
      continue;
    }
    block = make_block(bytes);
    std::lock_guard lock(mutex_);
    count_made(*block);
    put(block);
  }
}

WorkspacePool::Lease::Lease(WorkspacePool& pool, std::size_t bytes) : pool_(pool), block_(nullptr) {
  Block* small = nullptr;
  {
    std::lock_guard lock(pool_.mutex_);
    ++pool_.figures_.leases;
    block_ = pool_.take(bytes);
    if (block_ != nullptr && block_->size < bytes) {
      pool_.count_freed(*block_);
      small = std::exchange(block_, nullptr);
    }
    if (block_ != nullptr) {
      pool_.count_use();
      return;
    }
  }
  if (small != nullptr) free_block(small);
  block_ = make_block(bytes);
  std::lock_guard lock(pool_.mutex_);
  pool_.count_made(*block_);
  pool_.count_use();
}

WorkspacePool::Lease::~Lease() {
  {
    std::lock_guard lock(pool_.mutex_);
    --pool_.figures_.in_use;
    if (block_->size <= pool_.most_idle_ - pool_.idle_bytes_) {
      pool_.put(block_);
      return;
    }
    pool_.count_freed(*block_);
  }
  free_block(block_);
}

Arena WorkspacePool::Lease::arena() noexcept {
  return Arena(reinterpret_cast<std::byte*>(block_) + kAlignment, block_->size);
}

SharedWorkspaces::SharedWorkspaces() noexcept { shared().users.fetch_add(1); }

SharedWorkspaces::~SharedWorkspaces() {
  if (shared().users.fetch_sub(1) == 1) shared().pool.free_idle();
}

WorkspacePool& SharedWorkspaces::pool() const noexcept { return shared().pool; }

}  // namespace dmoe
