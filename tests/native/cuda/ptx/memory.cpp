// Loads and stores, and copies that do not wait.
#include <initializer_list>

#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/operations.hpp"
#include "cuda/sim/async_copies.hpp"

namespace dmoe::ptx {
namespace {

enum class Memory { kGeneric, kGlobal, kShared, kLocal, kParam };

template <Memory memory>
unsigned char* at(Machine& m, const Instruction& it, uint64_t address, size_t bytes) {
  if constexpr (memory == Memory::kGlobal) return m.global_at(it, address, bytes);
  if constexpr (memory == Memory::kShared) return m.shared_at(it, address, bytes);
  if constexpr (memory == Memory::kLocal) return m.local_at(it, address, bytes);
  if constexpr (memory == Memory::kParam)
    return const_cast<unsigned char*>(m.parameter_at(it, address, bytes));
  return m.generic_at(it, address, bytes);
}

template <class T, Memory memory, size_t count>
void load(Machine& m, const Instruction& it) {
  const unsigned char* from = at<memory>(m, it, m.address(it, count), count * sizeof(T));
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * sizeof(T), sizeof(T));
    m.set<T>(it, i, value);
  }
}
template <class T, Memory memory, size_t count>
void store(Machine& m, const Instruction& it) {
  unsigned char* to = at<memory>(m, it, m.address(it, 0), count * sizeof(T));
  for (size_t i = 0; i < count; ++i) {
    const T value = m.get<T>(it, 1 + i);
    std::memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}

template <class T, Memory memory>
void add_counts(Operations& all, const std::string& space, const std::string& type) {
  const bool writable = memory != Memory::kParam;
  for (const char* hint : {"", ".nc", ".ca", ".cg", ".cs", ".volatile", ".relaxed.gpu"}) {
    const bool before = hint[0] == '.' && (hint[1] == 'v' || hint[1] == 'r');
    const bool read_only = std::string(hint) == ".nc";
    if (read_only && memory != Memory::kGlobal) continue;
    const std::string middle = before ? hint + space : space + hint;
    all["ld" + middle + "." + type] = {load<T, memory, 1>, 2};
    all["ld" + middle + ".v2." + type] = {load<T, memory, 2>, 3};
    if (sizeof(T) < 8) all["ld" + middle + ".v4." + type] = {load<T, memory, 4>, 5};
    if (!writable || read_only) continue;
    all["st" + middle + "." + type] = {store<T, memory, 1>, 2};
    all["st" + middle + ".v2." + type] = {store<T, memory, 2>, 3};
    if (sizeof(T) < 8) all["st" + middle + ".v4." + type] = {store<T, memory, 4>, 5};
  }
}
template <class T>
void add_type(Operations& all, std::initializer_list<const char*> types) {
  for (const char* type : types) {
    add_counts<T, Memory::kGeneric>(all, "", type);
    add_counts<T, Memory::kGlobal>(all, ".global", type);
    add_counts<T, Memory::kShared>(all, ".shared", type);
    add_counts<T, Memory::kLocal>(all, ".local", type);
    add_counts<T, Memory::kParam>(all, ".param", type);
  }
}

/** cp.async [shared], [global], size {, bytes to read}. */
template <bool partial>
void copy_async(Machine& m, const Instruction& it) {
  const auto size = m.get<uint32_t>(it, 2);
  const uint32_t bytes = partial ? m.get<uint32_t>(it, 3) : size;
  if (size != 4 && size != 8 && size != 16) m.fail(it, "cp.async of another size than 4, 8 or 16");
  void* to = m.shared_at(it, m.address(it, 0), size);
  // What is not read need not be there.
  const uint64_t from = m.address(it, 1);
  if (from % size != 0) m.fail(it, "cp.async from an address that is not aligned");
  const void* source = nullptr;
  for (uint32_t i = bytes; i > 0; --i) source = m.global_at(it, from + i - 1, 1);
  if (source == nullptr) source = to;  // nothing is read
  if (!sim::running->copies->start(to, source, static_cast<int>(size), static_cast<int>(bytes))) {
    m.fail(it, "cp.async with more bytes than its size");
  }
}
void commit(Machine&, const Instruction&) { sim::running->copies->commit(); }
void wait(Machine& m, const Instruction& it) { sim::running->copies->wait(m.get<uint32_t>(it, 0)); }
void wait_all(Machine&, const Instruction&) { sim::running->copies->wait_all(); }

}  // namespace

void add_memory_operations(Operations& all) {
  add_type<uint8_t>(all, {"u8", "b8"});
  add_type<int8_t>(all, {"s8"});
  add_type<uint16_t>(all, {"u16", "b16"});
  add_type<int16_t>(all, {"s16"});
  add_type<uint32_t>(all, {"u32", "b32", "f32"});
  add_type<int32_t>(all, {"s32"});
  add_type<uint64_t>(all, {"u64", "b64", "f64", "s64"});
  for (const char* hint : {"", ".L2::64B", ".L2::128B", ".L2::256B"}) {
    for (const char* cache : {"cp.async.ca.shared.global", "cp.async.cg.shared.global"}) {
      all[std::string(cache) + hint] = {copy_async<true>, 4};
    }
  }
  all["cp.async.commit_group"] = {commit, 0};
  all["cp.async.wait_group"] = {wait, 1};
  all["cp.async.wait_all"] = {wait_all, 0};
}

}  // namespace dmoe::ptx
