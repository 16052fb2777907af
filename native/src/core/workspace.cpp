#include "core/workspace.hpp"

#include <limits>

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

WorkspacePool::Lease::Lease(WorkspacePool& pool, std::size_t bytes) : pool_(pool), block_(nullptr) {
  {
    std::lock_guard lock(pool_.mutex_);
    block_ = pool_.free_;
    if (block_ != nullptr) pool_.free_ = block_->next;
  }
  if (block_ != nullptr && block_->size >= bytes) return;
  if (block_ != nullptr) free_block(block_);
  block_ = make_block(bytes);
}

WorkspacePool::Lease::~Lease() {
  std::lock_guard lock(pool_.mutex_);
  block_->next = pool_.free_;
  pool_.free_ = block_;
}

Arena WorkspacePool::Lease::arena() noexcept {
  return Arena(reinterpret_cast<std::byte*>(block_) + kAlignment, block_->size);
}

}  // namespace dmoe
