#include "cuda/ptx/machine.hpp"

#include <cstdio>

namespace dmoe::ptx {
namespace {

[[noreturn]] void refuse(const Machine& machine, const Instruction& it, const char* space, uint64_t address,
                         size_t bytes, const char* why) {
  char text[128];
  std::snprintf(text, sizeof text, "%zu bytes of %s memory at 0x%llx: %s", bytes, space,
                static_cast<unsigned long long>(address), why);
  machine.fail(it, text);
}

/** `room` bytes from 0 on. */
void check(const Machine& machine, const Instruction& it, const char* space, uint64_t address, size_t bytes,
           size_t room) {
  if (address >= room || bytes > room - address) refuse(machine, it, space, address, bytes, "out of range");
  if (address % bytes != 0) refuse(machine, it, space, address, bytes, "not aligned");
}

}  // namespace

unsigned char* Machine::shared_at(const Instruction& it, uint64_t address, size_t bytes) const {
  check(*this, it, "shared", address, bytes, shared_bytes);
  return shared + address;
}
unsigned char* Machine::local_at(const Instruction& it, uint64_t address, size_t bytes) const {
  check(*this, it, "local", address, bytes, entry->local);
  return local + address;
}
const unsigned char* Machine::parameter_at(const Instruction& it, uint64_t address, size_t bytes) const {
  check(*this, it, "parameter", address, bytes, entry->parameter_bytes);
  return parameters + address;
}
unsigned char* Machine::global_at(const Instruction& it, uint64_t address, size_t bytes) const {
  if (address % bytes != 0) refuse(*this, it, "global", address, bytes, "not aligned");
  const bool nowhere = address >= kSharedWindow || address < 4096;
  unsigned char* there = reinterpret_cast<unsigned char*>(address);
  if (!nowhere && global != nullptr) there = global(address, bytes);
  if (nowhere || there == nullptr) refuse(*this, it, "global", address, bytes, "out of range");
  return there;
}
unsigned char* Machine::generic_at(const Instruction& it, uint64_t address, size_t bytes) const {
  if (address - kSharedWindow < kWindowBytes) return shared_at(it, address - kSharedWindow, bytes);
  if (address - kLocalWindow < kWindowBytes) return local_at(it, address - kLocalWindow, bytes);
  return global_at(it, address, bytes);
}

}  // namespace dmoe::ptx
