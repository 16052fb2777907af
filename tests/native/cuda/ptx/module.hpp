// PTX text as the interpreter has it. The subset: what clang writes for the kernels, and their inline PTX.
// What is not known is refused by its name, with its line.
#ifndef DYNAMICMOE_TESTS_CUDA_PTX_MODULE_HPP_
#define DYNAMICMOE_TESTS_CUDA_PTX_MODULE_HPP_

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace dmoe::ptx {

/** "line 12: ...". */
class ParseError : public std::runtime_error {
 public:
  ParseError(int line, const std::string& what)
      : std::runtime_error("line " + std::to_string(line) + ": " + what) {}
};

/** Where the parser puts what the machine knows before the first instruction; everything else follows in
 * order of appearance. */
enum Special : uint32_t {
  kTidX,
  kTidY,
  kTidZ,
  kNtidX,
  kNtidY,
  kNtidZ,
  kCtaidX,
  kCtaidY,
  kCtaidZ,
  kNctaidX,
  kNctaidY,
  kNctaidZ,
  kLaneId,
  kSpecials
};

/** A register, or a constant in a register of its own; in brackets with an offset. */
struct Operand {
  uint32_t slot;
  int32_t offset;
};

struct Machine;
struct Instruction {
  void (*run)(Machine& machine, const Instruction& it);
  int line;
  int32_t predicate;  // slot, or -1 = always
  bool negated;
  /** Vectors are flattened: {a, b} is two operands. Destinations come first, as in the text. */
  std::vector<Operand> operands;
  int32_t second;   // slot of q in "p|q", or -1
  uint32_t target;  // of a branch: index into the code
};

struct Parameter {
  size_t offset, bytes;
};

struct Entry {
  std::string name;
  std::vector<Parameter> parameters;
  size_t parameter_bytes = 0;
  size_t static_shared = 0;  // dynamic shared memory follows
  size_t local = 0;          // per thread
  unsigned max_threads = 1024;
  std::vector<Instruction> code;
  /** Registers of a thread when it starts: constants, and bytes 0xcd in what was never written. */
  std::vector<uint64_t> registers;
};

struct Module {
  std::string version, target;
  std::map<std::string, Entry> entries;
};

/** Throws ParseError. */
Module parse(const std::string& text);

}  // namespace dmoe::ptx

#endif  // DYNAMICMOE_TESTS_CUDA_PTX_MODULE_HPP_
