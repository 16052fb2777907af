// Whole-number arithmetic and comparisons.
#include <type_traits>

#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/operations.hpp"

namespace dmoe::ptx {
namespace {

template <class T>
using Unsigned = std::make_unsigned_t<T>;
/** Twice as wide, of the same sign. */
template <class T>
using Wide = std::conditional_t<
    sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
    std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                       std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>>>;

template <class T, T (*op)(T, T)>
void binary(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, op(m.get<T>(it, 1), m.get<T>(it, 2)));
}

// Sums and products wrap around: computed without a sign.
template <class T>
T add(T a, T b) {
  return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b));
}
template <class T>
T sub(T a, T b) {
  return static_cast<T>(static_cast<Unsigned<T>>(a) - static_cast<Unsigned<T>>(b));
}
template <class T>
T mul_lo(T a, T b) {
  return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
template <class T>
T mul_hi(T a, T b) {
  return static_cast<T>(Wide<T>{a} * Wide<T>{b} >> (8 * sizeof(T)));
}
template <class T>
T smaller(T a, T b) {
  return b < a ? b : a;
}
template <class T>
T larger(T a, T b) {
  return a < b ? b : a;
}

// A device gives bits that mean nothing for a division by zero; here it is an error.
template <class T, bool remainder>
void divide(Machine& m, const Instruction& it) {
  const T a = m.get<T>(it, 1), b = m.get<T>(it, 2);
  if (b == 0) m.fail(it, "a division by zero");
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) {
    m.set<T>(it, 0, remainder ? T{0} : sub<T>(0, a));
  } else {
    m.set<T>(it, 0, static_cast<T>(remainder ? a % b : a / b));
  }
}
template <class T>
void mul_wide(Machine& m, const Instruction& it) {
  m.set<Wide<T>>(it, 0, Wide<T>{m.get<T>(it, 1)} * Wide<T>{m.get<T>(it, 2)});
}
template <class T>
void mad_lo(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, add<T>(mul_lo<T>(m.get<T>(it, 1), m.get<T>(it, 2)), m.get<T>(it, 3)));
}
template <class T>
void mad_hi(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, add<T>(mul_hi<T>(m.get<T>(it, 1), m.get<T>(it, 2)), m.get<T>(it, 3)));
}
template <class T>
void mad_wide(Machine& m, const Instruction& it) {
  const Wide<T> product = Wide<T>{m.get<T>(it, 1)} * Wide<T>{m.get<T>(it, 2)};
  m.set<Wide<T>>(it, 0, add<Wide<T>>(product, m.get<Wide<T>>(it, 3)));
}
template <class T>
void negate(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, sub<T>(0, m.get<T>(it, 1)));
}
template <class T>
void absolute(Machine& m, const Instruction& it) {
  const T a = m.get<T>(it, 1);
  m.set<T>(it, 0, a < 0 ? sub<T>(0, a) : a);
}

template <class T>
bool equal(T a, T b) {
  return a == b;
}
template <class T>
bool not_equal(T a, T b) {
  return a != b;
}
template <class T>
bool less(T a, T b) {
  return a < b;
}
template <class T>
bool less_equal(T a, T b) {
  return a <= b;
}
template <class T>
bool greater(T a, T b) {
  return a > b;
}
template <class T>
bool greater_equal(T a, T b) {
  return a >= b;
}
template <class T, bool (*op)(T, T)>
void compare(Machine& m, const Instruction& it) {
  m.set_predicate(it, 0, op(m.get<T>(it, 1), m.get<T>(it, 2)));
}

/** dp4a: sum of four products of bytes, and c. */
template <class A, class B, class Sum>
void dot4(Machine& m, const Instruction& it) {
  const auto a = m.get<uint32_t>(it, 1), b = m.get<uint32_t>(it, 2);
  uint32_t sum = m.get<uint32_t>(it, 3);
  for (int i = 0; i < 4; ++i) {
    sum += static_cast<uint32_t>(int32_t{static_cast<A>(a >> 8 * i)} * int32_t{static_cast<B>(b >> 8 * i)});
  }
  m.set<Sum>(it, 0, static_cast<Sum>(sum));
}

template <class T>
void add_comparisons(Operations& all, const std::string& type) {
  all["setp.eq." + type] = {compare<T, equal<T>>, 3};
  all["setp.ne." + type] = {compare<T, not_equal<T>>, 3};
}

template <class T>
void add_type(Operations& all, const std::string& type) {
  all["add." + type] = {binary<T, add<T>>, 3};
  all["sub." + type] = {binary<T, sub<T>>, 3};
  all["mul.lo." + type] = {binary<T, mul_lo<T>>, 3};
  all["mul.hi." + type] = {binary<T, mul_hi<T>>, 3};
  all["mad.lo." + type] = {mad_lo<T>, 4};
  all["mad.hi." + type] = {mad_hi<T>, 4};
  all["div." + type] = {divide<T, false>, 3};
  all["rem." + type] = {divide<T, true>, 3};
  all["min." + type] = {binary<T, smaller<T>>, 3};
  all["max." + type] = {binary<T, larger<T>>, 3};
  if constexpr (sizeof(T) < 8) {
    all["mul.wide." + type] = {mul_wide<T>, 3};
    all["mad.wide." + type] = {mad_wide<T>, 4};
  }
  if constexpr (std::is_signed_v<T>) {
    all["neg." + type] = {negate<T>, 2};
    all["abs." + type] = {absolute<T>, 2};
  }
  add_comparisons<T>(all, type);
  all["setp.lt." + type] = {compare<T, less<T>>, 3};
  all["setp.le." + type] = {compare<T, less_equal<T>>, 3};
  all["setp.gt." + type] = {compare<T, greater<T>>, 3};
  all["setp.ge." + type] = {compare<T, greater_equal<T>>, 3};
}

}  // namespace

void add_integer_operations(Operations& all) {
  add_type<int16_t>(all, "s16");
  add_type<int32_t>(all, "s32");
  add_type<int64_t>(all, "s64");
  add_type<uint16_t>(all, "u16");
  add_type<uint32_t>(all, "u32");
  add_type<uint64_t>(all, "u64");
  add_comparisons<uint16_t>(all, "b16");
  add_comparisons<uint32_t>(all, "b32");
  add_comparisons<uint64_t>(all, "b64");
  all["dp4a.s32.s32"] = {dot4<int8_t, int8_t, int32_t>, 4};
  all["dp4a.u32.s32"] = {dot4<uint8_t, int8_t, int32_t>, 4};
  all["dp4a.s32.u32"] = {dot4<int8_t, uint8_t, int32_t>, 4};
  all["dp4a.u32.u32"] = {dot4<uint8_t, uint8_t, uint32_t>, 4};
}

}  // namespace dmoe::ptx
