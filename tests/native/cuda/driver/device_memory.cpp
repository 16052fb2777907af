#include "cuda/driver/device_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace dmoe::simulated {
namespace {

/** Pages that exist once they are touched. */
void* map(size_t bytes, int protection) {
  void* memory = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return memory;
}

}  // namespace

DeviceMemory::DeviceMemory()
    : addresses_(static_cast<unsigned char*>(map(kRoom, PROT_NONE))),
      bytes_(static_cast<unsigned char*>(map(kRoom, PROT_READ | PROT_WRITE))),
      opened_(static_cast<uint8_t*>(map(kRoom / kGranule, PROT_READ | PROT_WRITE))) {}

DeviceMemory::~DeviceMemory() {
  munmap(addresses_, kRoom);
  munmap(bytes_, kRoom);
  munmap(opened_, kRoom / kGranule);
}

uint64_t DeviceMemory::reserve(size_t bytes) {
  if (bytes == 0 || bytes > kRoom) return 0;
  // Between two ranges at least one granule is nobody's.
  size_t at = 0;
  for (const auto& [offset, size] : ranges_) {
    if (at + bytes + kGranule <= offset) break;
    at = (offset + size + kGranule + kAlignment - 1) / kAlignment * kAlignment;
  }
  if (at + bytes > kRoom) return 0;
  ranges_[at] = bytes;
  live_bytes_ += bytes;
  return reinterpret_cast<uint64_t>(addresses_ + at);
}

void DeviceMemory::open(uint64_t address) {
  const size_t at = address - reinterpret_cast<uint64_t>(addresses_), bytes = ranges_.at(at);
  std::memset(bytes_ + at, 0xff, bytes);
  std::memset(opened_ + at / kGranule, kGranule, bytes / kGranule);
  if (bytes % kGranule != 0) opened_[(at + bytes) / kGranule] = static_cast<uint8_t>(bytes % kGranule);
}

void DeviceMemory::close(uint64_t address) {
  const size_t at = address - reinterpret_cast<uint64_t>(addresses_), bytes = ranges_.at(at);
  std::memset(opened_ + at / kGranule, 0, (bytes + kGranule - 1) / kGranule);
  live_bytes_ -= bytes;
  ranges_.erase(at);
}

size_t DeviceMemory::size_of(uint64_t address) const {
  if (!owns(address)) return 0;
  const auto range = ranges_.find(address - reinterpret_cast<uint64_t>(addresses_));
  return range == ranges_.end() ? 0 : range->second;
}

bool DeviceMemory::owns(uint64_t address) const {
  return address - reinterpret_cast<uint64_t>(addresses_) < kRoom;
}

bool DeviceMemory::open_at(size_t at, size_t bytes) const {
  while (bytes > 0) {
    const size_t within = at % kGranule, here = std::min(bytes, kGranule - within);
    if (within + here > opened_[at / kGranule]) return false;
    at += here;
    bytes -= here;
  }
  return true;
}

unsigned char* DeviceMemory::bytes_at(uint64_t address, size_t bytes) const {
  const size_t at = address - reinterpret_cast<uint64_t>(addresses_);
  if (at >= kRoom || bytes > kRoom - at || !open_at(at, bytes)) return nullptr;
  return bytes_ + at;
}

}  // namespace dmoe::simulated
