// atom and red on whole numbers. Floats are not known here: the order of their sums would depend on the
// schedule.
#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/operations.hpp"

namespace dmoe::ptx {
namespace {

template <class T>
T add(T a, T b) {
  return static_cast<T>(a + b);
}
template <class T>
T smaller(T a, T b) {
  return b < a ? b : a;
}
template <class T>
T larger(T a, T b) {
  return a < b ? b : a;
}
template <class T>
T bit_and(T a, T b) {
  return a & b;
}
template <class T>
T bit_or(T a, T b) {
  return a | b;
}
template <class T>
T bit_xor(T a, T b) {
  return a ^ b;
}
template <class T>
T exchange(T, T b) {
  return b;
}

enum class Memory { kGeneric, kGlobal, kShared };
template <class T, Memory memory>
T& at(Machine& m, const Instruction& it, size_t operand) {
  const uint64_t address = m.address(it, operand);
  unsigned char* p = memory == Memory::kShared   ? m.shared_at(it, address, sizeof(T))
                     : memory == Memory::kGlobal ? m.global_at(it, address, sizeof(T))
                                                 : m.generic_at(it, address, sizeof(T));
  return *reinterpret_cast<T*>(p);
}

// Nothing runs between the two: a fiber leaves in barriers and warp operations alone. ThreadSanitizer is told
// that neither races with another thread's atomic.
template <class T>
T load(const T& there) {
  return __atomic_load_n(&there, __ATOMIC_RELAXED);
}
template <class T>
void store(T& there, T value) {
  __atomic_store_n(&there, value, __ATOMIC_RELAXED);
}

template <class T, Memory memory, T (*op)(T, T)>
void atom(Machine& m, const Instruction& it) {
  T& there = at<T, memory>(m, it, 1);
  const T old = load(there);
  store(there, op(old, m.get<T>(it, 2)));
  m.set<T>(it, 0, old);
}
template <class T, Memory memory, T (*op)(T, T)>
void red(Machine& m, const Instruction& it) {
  T& there = at<T, memory>(m, it, 0);
  store(there, op(load(there), m.get<T>(it, 1)));
}
template <class T, Memory memory>
void compare_and_swap(Machine& m, const Instruction& it) {
  T& there = at<T, memory>(m, it, 1);
  const T old = load(there);
  if (old == m.get<T>(it, 2)) store(there, m.get<T>(it, 3));
  m.set<T>(it, 0, old);
}

template <class T, Memory memory, T (*op)(T, T)>
void add_both(Operations& all, const std::string& space, const std::string& op_and_type) {
  all["atom" + space + op_and_type] = {atom<T, memory, op>, 3};
  all["red" + space + op_and_type] = {red<T, memory, op>, 2};
}
template <class T, Memory memory>
void add_arithmetic(Operations& all, const std::string& space, const std::string& type) {
  add_both<T, memory, add<T>>(all, space, ".add." + type);
  add_both<T, memory, smaller<T>>(all, space, ".min." + type);
  add_both<T, memory, larger<T>>(all, space, ".max." + type);
}
template <class T, Memory memory>
void add_bits(Operations& all, const std::string& space, const std::string& type) {
  add_both<T, memory, bit_and<T>>(all, space, ".and." + type);
  add_both<T, memory, bit_or<T>>(all, space, ".or." + type);
  add_both<T, memory, bit_xor<T>>(all, space, ".xor." + type);
  all["atom" + space + ".exch." + type] = {atom<T, memory, exchange<T>>, 3};
  all["atom" + space + ".cas." + type] = {compare_and_swap<T, memory>, 4};
}
template <Memory memory>
void add_space(Operations& all, const std::string& space) {
  add_arithmetic<uint32_t, memory>(all, space, "u32");
  add_arithmetic<uint64_t, memory>(all, space, "u64");
  add_both<uint32_t, memory, add<uint32_t>>(all, space, ".add.s32");
  add_both<int32_t, memory, smaller<int32_t>>(all, space, ".min.s32");
  add_both<int32_t, memory, larger<int32_t>>(all, space, ".max.s32");
  add_both<int64_t, memory, smaller<int64_t>>(all, space, ".min.s64");
  add_both<int64_t, memory, larger<int64_t>>(all, space, ".max.s64");
  add_bits<uint32_t, memory>(all, space, "b32");
  add_bits<uint64_t, memory>(all, space, "b64");
}

}  // namespace

void add_atomic_operations(Operations& all) {
  add_space<Memory::kGeneric>(all, "");
  add_space<Memory::kGlobal>(all, ".global");
  add_space<Memory::kShared>(all, ".shared");
}

}  // namespace dmoe::ptx
