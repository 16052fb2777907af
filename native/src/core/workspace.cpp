#include "core/workspace.hpp"

#include <algorithm>
#include <limits>
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

WorkspacePool::~WorkspacePool() {
  while (free_ != nullptr) {
    Block* block = free_;
    free_ = block->next;
    free_block(block);
  }
}

Block* WorkspacePool::take() {
  Block* const block = free_;
  if (block != nullptr) free_ = block->next;
  return block;
}

void WorkspacePool::give_back(Block* block) noexcept {
  block->next = free_;
  free_ = block;
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
        block = take();
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
    give_back(block);
  }
}

WorkspacePool::Lease::Lease(WorkspacePool& pool, std::size_t bytes) : pool_(pool), block_(nullptr) {
  Block* small = nullptr;
  {
    std::lock_guard lock(pool_.mutex_);
    ++pool_.figures_.leases;
    block_ = pool_.take();
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
  std::lock_guard lock(pool_.mutex_);
  --pool_.figures_.in_use;
  pool_.give_back(block_);
}

Arena WorkspacePool::Lease::arena() noexcept {
  return Arena(reinterpret_cast<std::byte*>(block_) + kAlignment, block_->size);
}

}  // namespace dmoe
