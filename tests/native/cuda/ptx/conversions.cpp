// cvt and cvta.
#include <cmath>
#include <limits>

#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/operations.hpp"
#include "cuda/sim/approximate.hpp"

namespace dmoe::ptx {
namespace {

template <class To, class From>
void convert(Machine& m, const Instruction& it) {
  m.set<To>(it, 0, static_cast<To>(m.get<From>(it, 1)));
}

/** Rounded by `round`, held within the range of To. NaN gives 0 between 32-bit types, else only the top bit.
 */
template <class To, class From, From (*round)(From)>
void to_integer(Machine& m, const Instruction& it) {
  const From value = round(m.get<From>(it, 1));
  using Limits = std::numeric_limits<To>;
  const From below = static_cast<From>(Limits::min());
  const From above = std::ldexp(From{1}, Limits::digits);  // the first that does not fit
  To out;
  if (std::isnan(value)) {
    const bool wide = sizeof(To) == 8 || sizeof(From) == 8;
    out = wide ? static_cast<To>(uint64_t{1} << (8 * sizeof(To) - 1)) : To{0};
  } else if (value < below) {
    out = Limits::min();
  } else if (value >= above) {
    out = Limits::max();
  } else {
    out = static_cast<To>(value);
  }
  m.set<To>(it, 0, out);
}
template <class T, T (*round)(T)>
void to_whole(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, round(m.get<T>(it, 1)));
}

void to_bf16(Machine& m, const Instruction& it) {
  m.set<uint16_t>(it, 0, sim::bf16_nearest(m.get<float>(it, 1)));
}
/** d = {low: b, high: a}. */
void to_bf16x2(Machine& m, const Instruction& it) {
  const uint32_t high = sim::bf16_nearest(m.get<float>(it, 1)), low = sim::bf16_nearest(m.get<float>(it, 2));
  m.set<uint32_t>(it, 0, high << 16 | low);
}
void from_half(Machine& m, const Instruction& it) {
  m.set<float>(it, 0, sim::half_to_float(m.get<uint16_t>(it, 1)));
}

template <uint64_t window>
void to_generic(Machine& m, const Instruction& it) {
  m.set<uint64_t>(it, 0, m.get<uint64_t>(it, 1) + window);
}
template <uint64_t window>
void from_generic(Machine& m, const Instruction& it) {
  const uint64_t at = m.get<uint64_t>(it, 1) - window;
  if (at >= kWindowBytes) m.fail(it, "the address is not in the memory that cvta.to names");
  m.set<uint64_t>(it, 0, at);
}
void same_address(Machine& m, const Instruction& it) { m.set<uint64_t>(it, 0, m.get<uint64_t>(it, 1)); }

template <class To, class From>
void add_integers(Operations& all, const std::string& to, const std::string& from) {
  all["cvt." + to + "." + from] = {convert<To, From>, 2};
}
template <class To>
void add_to(Operations& all, const std::string& to) {
  add_integers<To, int8_t>(all, to, "s8");
  add_integers<To, int16_t>(all, to, "s16");
  add_integers<To, int32_t>(all, to, "s32");
  add_integers<To, int64_t>(all, to, "s64");
  add_integers<To, uint8_t>(all, to, "u8");
  add_integers<To, uint16_t>(all, to, "u16");
  add_integers<To, uint32_t>(all, to, "u32");
  add_integers<To, uint64_t>(all, to, "u64");
}
template <class To, class From>
void add_from_float(Operations& all, const std::string& types) {
  all["cvt.rni." + types] = {to_integer<To, From, std::rint>, 2};
  all["cvt.rzi." + types] = {to_integer<To, From, std::trunc>, 2};
  all["cvt.rmi." + types] = {to_integer<To, From, std::floor>, 2};
  all["cvt.rpi." + types] = {to_integer<To, From, std::ceil>, 2};
}
template <class T>
void add_float(Operations& all, const std::string& type) {
  all["cvt.rn." + type + ".s32"] = {convert<T, int32_t>, 2};
  all["cvt.rn." + type + ".u32"] = {convert<T, uint32_t>, 2};
  all["cvt.rn." + type + ".s64"] = {convert<T, int64_t>, 2};
  all["cvt.rn." + type + ".u64"] = {convert<T, uint64_t>, 2};
  all["cvt.rn." + type + ".s16"] = {convert<T, int16_t>, 2};
  all["cvt.rn." + type + ".u16"] = {convert<T, uint16_t>, 2};
  all["cvt.rn." + type + ".s8"] = {convert<T, int8_t>, 2};
  all["cvt.rn." + type + ".u8"] = {convert<T, uint8_t>, 2};
  add_from_float<int32_t, T>(all, "s32." + type);
  add_from_float<uint32_t, T>(all, "u32." + type);
  add_from_float<int64_t, T>(all, "s64." + type);
  add_from_float<uint64_t, T>(all, "u64." + type);
  const std::string whole = type + "." + type;
  all["cvt.rni." + whole] = {to_whole<T, std::rint>, 2};
  all["cvt.rzi." + whole] = {to_whole<T, std::trunc>, 2};
  all["cvt.rmi." + whole] = {to_whole<T, std::floor>, 2};
  all["cvt.rpi." + whole] = {to_whole<T, std::ceil>, 2};
}

}  // namespace

void add_conversions(Operations& all) {
  add_to<int8_t>(all, "s8");
  add_to<int16_t>(all, "s16");
  add_to<int32_t>(all, "s32");
  add_to<int64_t>(all, "s64");
  add_to<uint8_t>(all, "u8");
  add_to<uint16_t>(all, "u16");
  add_to<uint32_t>(all, "u32");
  add_to<uint64_t>(all, "u64");
  add_float<float>(all, "f32");
  add_float<double>(all, "f64");
  all["cvt.f64.f32"] = {convert<double, float>, 2};
  all["cvt.rn.f32.f64"] = {convert<float, double>, 2};
  all["cvt.f32.f16"] = {from_half, 2};
  all["cvt.rn.bf16.f32"] = {to_bf16, 2};
  all["cvt.rn.bf16x2.f32"] = {to_bf16x2, 3};

  all["cvta.shared.u64"] = {to_generic<kSharedWindow>, 2};
  all["cvta.local.u64"] = {to_generic<kLocalWindow>, 2};
  all["cvta.to.shared.u64"] = {from_generic<kSharedWindow>, 2};
  all["cvta.to.local.u64"] = {from_generic<kLocalWindow>, 2};
  all["cvta.global.u64"] = all["cvta.to.global.u64"] = {same_address, 2};
}

}  // namespace dmoe::ptx
