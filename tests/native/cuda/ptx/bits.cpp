// Moves, logic, shifts, fields of bits.
#include <bit>

#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/operations.hpp"

namespace dmoe::ptx {
namespace {

template <class T>
void move(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, 1));
}
/** mov.b64 d, {low, high}. */
template <class Half, class Whole>
void pack(Machine& m, const Instruction& it) {
  const Whole high = m.get<Half>(it, 2);
  m.set<Whole>(it, 0, static_cast<Whole>(m.get<Half>(it, 1) | high << 8 * sizeof(Half)));
}
template <class Half, class Whole>
void unpack(Machine& m, const Instruction& it) {
  const Whole whole = m.get<Whole>(it, 2);
  m.set<Half>(it, 0, static_cast<Half>(whole));
  m.set<Half>(it, 1, static_cast<Half>(whole >> 8 * sizeof(Half)));
}
template <class T>
void select(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, m.predicate(it, 3) ? 1 : 2));
}

template <class T>
void bit_and(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, 1) & m.get<T>(it, 2));
}
template <class T>
void bit_or(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, 1) | m.get<T>(it, 2));
}
template <class T>
void bit_xor(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, 1) ^ m.get<T>(it, 2));
}
template <class T>
void bit_not(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, static_cast<T>(~m.get<T>(it, 1)));
}
void predicate_move(Machine& m, const Instruction& it) { m.set_predicate(it, 0, m.predicate(it, 1)); }
void predicate_and(Machine& m, const Instruction& it) {
  m.set_predicate(it, 0, m.predicate(it, 1) && m.predicate(it, 2));
}
void predicate_or(Machine& m, const Instruction& it) {
  m.set_predicate(it, 0, m.predicate(it, 1) || m.predicate(it, 2));
}
void predicate_xor(Machine& m, const Instruction& it) {
  m.set_predicate(it, 0, m.predicate(it, 1) != m.predicate(it, 2));
}
void predicate_not(Machine& m, const Instruction& it) { m.set_predicate(it, 0, !m.predicate(it, 1)); }

// Shifts by the width or more give what shifting bit by bit gives.
template <class T>
void shift_left(Machine& m, const Instruction& it) {
  const auto by = m.get<uint32_t>(it, 2);
  m.set<T>(it, 0, by >= 8 * sizeof(T) ? T{0} : static_cast<T>(m.get<T>(it, 1) << by));
}
template <class T>
void shift_right(Machine& m, const Instruction& it) {
  constexpr uint32_t kBits = 8 * sizeof(T);
  const auto by = m.get<uint32_t>(it, 2);
  const T value = m.get<T>(it, 1);
  const T beyond = static_cast<T>(std::is_signed_v<T> ? value >> (kBits - 1) : 0);
  m.set<T>(it, 0, by >= kBits ? beyond : static_cast<T>(value >> by));
}
/** shf: the two registers b:a, shifted by c mod 32 (wrap) or at most 32 (clamp); the upper half to the left,
 * the lower to the right. */
template <bool left, bool clamp>
void funnel(Machine& m, const Instruction& it) {
  const uint64_t both = m.get<uint32_t>(it, 1) | uint64_t{m.get<uint32_t>(it, 2)} << 32;
  uint32_t by = m.get<uint32_t>(it, 3);
  by = clamp ? (by < 32 ? by : 32) : by % 32;
  m.set<uint32_t>(it, 0, static_cast<uint32_t>(left ? both << by >> 32 : both >> by));
}

template <class T>
void count_ones(Machine& m, const Instruction& it) {
  m.set<uint32_t>(it, 0, static_cast<uint32_t>(std::popcount(m.get<T>(it, 1))));
}
template <class T>
void leading_zeros(Machine& m, const Instruction& it) {
  m.set<uint32_t>(it, 0, static_cast<uint32_t>(std::countl_zero(m.get<T>(it, 1))));
}
template <class T>
void reverse(Machine& m, const Instruction& it) {
  T value = m.get<T>(it, 1), out = 0;
  for (size_t i = 0; i < 8 * sizeof(T); ++i, value >>= 1) out = static_cast<T>(out << 1 | (value & 1));
  m.set<T>(it, 0, out);
}

/** `length` bits from `at`; beyond the end a signed field has copies of its sign, which is the last bit there
 * is. */
template <class T>
void extract(Machine& m, const Instruction& it) {
  constexpr uint32_t kBits = 8 * sizeof(T);
  const T value = m.get<T>(it, 1);
  const uint32_t at = m.get<uint32_t>(it, 2) & 255, length = m.get<uint32_t>(it, 3) & 255;
  uint64_t out = 0;
  const uint32_t last = at + length - 1 < kBits - 1 ? at + length - 1 : kBits - 1;
  const bool negative = std::is_signed_v<T> && length > 0 && (value >> last & 1) != 0;
  for (uint32_t i = 0; i < kBits; ++i) {
    const bool inside = i < length && at + i < kBits;
    const bool bit = inside ? (value >> (at + i) & 1) != 0 : negative;
    out |= uint64_t{bit} << i;
  }
  m.set<T>(it, 0, static_cast<T>(out));
}
template <class T>
void insert(Machine& m, const Instruction& it) {
  const T from = m.get<T>(it, 1), into = m.get<T>(it, 2);
  const uint32_t at = m.get<uint32_t>(it, 3) & 255, length = m.get<uint32_t>(it, 4) & 255;
  T out = into;
  for (uint32_t i = 0; i < length && at + i < 8 * sizeof(T); ++i) {
    out = static_cast<T>((out & ~(T{1} << (at + i))) | (from >> i & 1) << (at + i));
  }
  m.set<T>(it, 0, out);
}
/** prmt: each nibble of c names a byte of b:a; its high bit asks for copies of that byte's sign. */
void permute(Machine& m, const Instruction& it) {
  const uint64_t both = m.get<uint32_t>(it, 1) | uint64_t{m.get<uint32_t>(it, 2)} << 32;
  const auto control = m.get<uint32_t>(it, 3);
  uint32_t out = 0;
  for (int i = 0; i < 4; ++i) {
    const uint32_t nibble = control >> 4 * i & 15;
    const auto byte = static_cast<uint8_t>(both >> 8 * (nibble & 7));
    out |= uint32_t{nibble & 8 ? static_cast<uint8_t>(byte & 0x80 ? 0xff : 0) : byte} << 8 * i;
  }
  m.set<uint32_t>(it, 0, out);
}
/** lop3: bit by bit, the table's entry number a b c. */
void logic3(Machine& m, const Instruction& it) {
  const auto a = m.get<uint32_t>(it, 1), b = m.get<uint32_t>(it, 2), c = m.get<uint32_t>(it, 3);
  const auto table = m.get<uint32_t>(it, 4);
  uint32_t out = 0;
  for (int i = 0; i < 32; ++i)
    out |= (table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1)) & 1) << i;
  m.set<uint32_t>(it, 0, out);
}

template <class T>
void add_width(Operations& all, const std::string& bits) {
  using Signed = std::make_signed_t<T>;
  for (const char* kind : {"b", "u", "s", "f"}) {
    all["mov." + (kind + bits)] = {move<T>, 2};
    all["selp." + (kind + bits)] = {select<T>, 4};
  }
  all["and.b" + bits] = {bit_and<T>, 3};
  all["or.b" + bits] = {bit_or<T>, 3};
  all["xor.b" + bits] = {bit_xor<T>, 3};
  all["not.b" + bits] = {bit_not<T>, 2};
  all["shl.b" + bits] = {shift_left<T>, 3};
  all["shr.b" + bits] = all["shr.u" + bits] = {shift_right<T>, 3};
  all["shr.s" + bits] = {shift_right<Signed>, 3};
  if constexpr (sizeof(T) >= 4) {
    all["popc.b" + bits] = {count_ones<T>, 2};
    all["clz.b" + bits] = {leading_zeros<T>, 2};
    all["brev.b" + bits] = {reverse<T>, 2};
    all["bfe.u" + bits] = {extract<T>, 4};
    all["bfe.s" + bits] = {extract<Signed>, 4};
    all["bfi.b" + bits] = {insert<T>, 5};
  }
}

}  // namespace

void add_bit_operations(Operations& all) {
  add_width<uint16_t>(all, "16");
  add_width<uint32_t>(all, "32");
  add_width<uint64_t>(all, "64");
  all["mov.b32.pack"] = {pack<uint16_t, uint32_t>, 3};
  all["mov.b64.pack"] = {pack<uint32_t, uint64_t>, 3};
  all["mov.b32.unpack"] = {unpack<uint16_t, uint32_t>, 3};
  all["mov.b64.unpack"] = {unpack<uint32_t, uint64_t>, 3};
  all["mov.pred"] = {predicate_move, 2};
  all["and.pred"] = {predicate_and, 3};
  all["or.pred"] = {predicate_or, 3};
  all["xor.pred"] = {predicate_xor, 3};
  all["not.pred"] = {predicate_not, 2};
  all["shf.l.wrap.b32"] = {funnel<true, false>, 4};
  all["shf.l.clamp.b32"] = {funnel<true, true>, 4};
  all["shf.r.wrap.b32"] = {funnel<false, false>, 4};
  all["shf.r.clamp.b32"] = {funnel<false, true>, 4};
  all["prmt.b32"] = {permute, 4};
  all["lop3.b32"] = {logic3, 5};
}

}  // namespace dmoe::ptx
