#include "core/workspace.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <new>

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
    block = free_;
    free_ = nullptr;
    idle_ = 0;
  }
  while (block != nullptr) {
    Block* next = block->next;
    free_block(block);
    block = next;
  }
}

// @return the smallest block of at least `bytes`, else the largest there is, nullptr when there is none
Block* WorkspacePool::take(std::size_t bytes) noexcept {
  std::lock_guard lock(mutex_);
  if (free_ == nullptr) return nullptr;
  Block** at = &free_;
  while ((*at)->size < bytes && (*at)->next != nullptr) at = &(*at)->next;
  Block* block = *at;
  *at = block->next;
  idle_ -= block->size;
  return block;
}

// Before others of its size: the last one used is the likeliest in cache. @return the block when it is not
// kept
Block* WorkspacePool::put_back(Block* block) noexcept {
  std::lock_guard lock(mutex_);
  if (block->size > most_idle_ - idle_) return block;
  Block** at = &free_;
  while (*at != nullptr && (*at)->size < block->size) at = &(*at)->next;
  block->next = *at;
  *at = block;
  idle_ += block->size;
  return nullptr;
}

WorkspacePool::Lease::Lease(WorkspacePool& pool, std::size_t bytes) : pool_(pool), block_(pool.take(bytes)) {
  if (block_ != nullptr && block_->size >= bytes) return;
  if (block_ != nullptr) free_block(block_);
  block_ = make_block(bytes);
}

WorkspacePool::Lease::~Lease() {
  if (Block* block = pool_.put_back(block_)) free_block(block);
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
