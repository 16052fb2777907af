// One thread of the interpreter: registers, and memory by its spaces.
#ifndef DYNAMICMOE_TESTS_CUDA_PTX_MACHINE_HPP_
#define DYNAMICMOE_TESTS_CUDA_PTX_MACHINE_HPP_

#include <cstring>
#include <string>
#include <type_traits>

#include "cuda/ptx/module.hpp"
#include "cuda/sim/engine.hpp"

namespace dmoe::ptx {

/** Generic addresses of shared and local memory lie in windows where the host has nothing; all others are
 * global. */
constexpr uint64_t kSharedWindow = uint64_t{1} << 56;
constexpr uint64_t kLocalWindow = uint64_t{1} << 57;
constexpr uint64_t kWindowBytes = uint64_t{1} << 32;

/** Where the host has the bytes of global memory at an address of the kernel; null when there are none.
 * Absent, the kernel's addresses are the process's. */
using GlobalMemory = unsigned char* (*)(uint64_t address, size_t bytes);

struct Machine {
  const Entry* entry;
  uint64_t* registers;
  size_t next;  // instruction
  const unsigned char* parameters;
  unsigned char* shared;
  size_t shared_bytes;
  unsigned char* local;
  GlobalMemory global;

  /** Operand k as a T: its low bytes, for integers of any width, float and double. */
  template <class T>
  T get(const Instruction& it, size_t k) const {
    const uint64_t bits = registers[it.operands[k].slot];
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  /** Signed values fill the whole register with their sign, all others with zeros. */
  template <class T>
  void set(const Instruction& it, size_t k, T value) {
    registers[it.operands[k].slot] = bits_of(value);
  }
  template <class T>
  static uint64_t bits_of(T value) {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
      return static_cast<uint64_t>(static_cast<int64_t>(value));
    } else {
      uint64_t bits = 0;
      std::memcpy(&bits, &value, sizeof value);
      return bits;
    }
  }
  bool predicate(const Instruction& it, size_t k) const { return registers[it.operands[k].slot] != 0; }
  void set_predicate(const Instruction& it, size_t k, bool value) { registers[it.operands[k].slot] = value; }

  uint64_t address(const Instruction& it, size_t k) const {
    return registers[it.operands[k].slot] + static_cast<uint64_t>(int64_t{it.operands[k].offset});
  }
  sim::Site site(const Instruction& it) const { return {entry->name.c_str(), it.line}; }
  [[noreturn]] void fail(const Instruction& it, const std::string& what) const { sim::fail(site(it), what); }

  // Host memory of an access, checked for its end and its alignment.
  unsigned char* shared_at(const Instruction& it, uint64_t address, size_t bytes) const;
  unsigned char* local_at(const Instruction& it, uint64_t address, size_t bytes) const;
  const unsigned char* parameter_at(const Instruction& it, uint64_t address, size_t bytes) const;
  unsigned char* global_at(const Instruction& it, uint64_t address, size_t bytes) const;
  unsigned char* generic_at(const Instruction& it, uint64_t address, size_t bytes) const;
};

}  // namespace dmoe::ptx

#endif  // DYNAMICMOE_TESTS_CUDA_PTX_MACHINE_HPP_
