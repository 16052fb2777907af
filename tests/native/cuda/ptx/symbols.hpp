// Names of one entry: registers, constants, variables, labels.
#ifndef DYNAMICMOE_TESTS_CUDA_PTX_SYMBOLS_HPP_
#define DYNAMICMOE_TESTS_CUDA_PTX_SYMBOLS_HPP_

#include <string>
#include <unordered_map>
#include <vector>

#include "cuda/ptx/module.hpp"

namespace dmoe::ptx {

enum class Space { kParam, kShared, kLocal };

struct Variable {
  Space space;
  std::string name;
  size_t bytes, align;
  bool open;  // extern, without a size
};

/** Bytes of an element of type ".b32"; 0 when it is none. */
size_t bytes_of(const std::string& type);

class Symbols {
 public:
  /** Shared variables of the module get their place when the entry first names them. */
  Symbols(Entry& entry, const std::vector<Variable>& globals);

  void add_parameter(const Variable& variable);
  /** Gives the variable its place in the entry. */
  void add(const Variable& variable);
  /** Registers name, or name0 to name<count - 1>. */
  void declare(const std::string& name) { declared_[name] = 0; }
  void declare(const std::string& prefix, size_t count) { declared_[prefix] = count; }

  /** What is wrong with the operand, "" for nothing. */
  std::string error_of(const std::string& text) const;
  uint32_t slot(const std::string& text);

  /** False when it is there already. */
  bool add_label(const std::string& name);
  /** The next instruction of the entry branches to it. */
  void use_label(const std::string& name);
  /** Resolves labels and the place of the dynamic shared memory. */
  void finish();

 private:
  bool is_register(const std::string& text) const;
  const Variable* global(const std::string& name) const;
  uint32_t constant(uint64_t value);

  Entry& entry_;
  const std::vector<Variable>& globals_;
  std::unordered_map<std::string, size_t> declared_;
  std::unordered_map<std::string, uint32_t> slots_;
  std::unordered_map<std::string, uint64_t> addresses_;
  std::vector<uint32_t> open_;  // slots that hold the address of the dynamic shared memory
  std::unordered_map<std::string, uint32_t> labels_;
  struct Use {
    std::string label;
    size_t instruction;
  };
  std::vector<Use> uses_;
};

}  // namespace dmoe::ptx

#endif  // DYNAMICMOE_TESTS_CUDA_PTX_SYMBOLS_HPP_
