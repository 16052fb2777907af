// Floating point. Sums and products must carry their rounding (.rn): without it a driver may contract them to
// a fused multiply-add, and the choice of an expert would depend on the driver. So the plain forms are not
// known here.
#include <cmath>

#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/operations.hpp"
#include "cuda/sim/approximate.hpp"

namespace dmoe::ptx {
namespace {

template <class T>
void add(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, 1) + m.get<T>(it, 2));
}
template <class T>
void sub(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, 1) - m.get<T>(it, 2));
}
template <class T>
void mul(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, 1) * m.get<T>(it, 2));
}
template <class T>
void div(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, m.get<T>(it, 1) / m.get<T>(it, 2));
}
template <class T>
void fma(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, std::fma(m.get<T>(it, 1), m.get<T>(it, 2), m.get<T>(it, 3)));
}
template <class T>
void sqrt(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, std::sqrt(m.get<T>(it, 1)));
}
template <class T>
void rcp(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, T{1} / m.get<T>(it, 1));
}
template <class T>
void neg(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, -m.get<T>(it, 1));
}
template <class T>
void abs(Machine& m, const Instruction& it) {
  m.set<T>(it, 0, std::fabs(m.get<T>(it, 1)));
}
template <class T>
void copysign(Machine& m, const Instruction& it) {  // the sign of the first, the value of the second
  m.set<T>(it, 0, std::copysign(m.get<T>(it, 2), m.get<T>(it, 1)));
}
/** The other operand when one is NaN; -0 below +0. */
template <class T, bool largest>
void extremum(Machine& m, const Instruction& it) {
  const T a = m.get<T>(it, 1), b = m.get<T>(it, 2);
  if (std::isnan(a) && std::isnan(b)) {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    m.set<Bits>(it, 0, static_cast<Bits>(~Bits{0} >> 1));
  } else if (std::isnan(a) || std::isnan(b)) {
    m.set<T>(it, 0, std::isnan(a) ? b : a);
  } else {
    const bool a_below = a < b || (a == b && std::signbit(a));
    m.set<T>(it, 0, a_below == largest ? b : a);
  }
}

using Real = float (*)(float);
template <Real op>
void unary(Machine& m, const Instruction& it) {
  m.set<float>(it, 0, op(m.get<float>(it, 1)));
}
template <Real op>
void unary_flushed(Machine& m, const Instruction& it) {
  m.set<float>(it, 0, sim::flushed(op(sim::flushed(m.get<float>(it, 1)))));
}
float reciprocal(float x) { return sim::approximately(1.0f / x); }
float reciprocal_root(float x) { return sim::approximately(1.0f / std::sqrt(x)); }
float root(float x) { return sim::approximately(std::sqrt(x)); }
float tangent(float x) { return sim::approximately(std::tanh(x)); }
float sine(float x) { return sim::approximately(std::sin(x)); }
float cosine(float x) { return sim::approximately(std::cos(x)); }

/** fma.rn.bf16x2: both halves at once. */
void fma_bf16x2(Machine& m, const Instruction& it) {
  const auto a = m.get<uint32_t>(it, 1), b = m.get<uint32_t>(it, 2), c = m.get<uint32_t>(it, 3);
  const uint32_t low = sim::bf16_fma(a & 0xffffu, b & 0xffffu, c & 0xffffu);
  const uint32_t high = sim::bf16_fma(a >> 16, b >> 16, c >> 16);
  m.set<uint32_t>(it, 0, low | high << 16);
}

enum class Order { kEq, kNe, kLt, kLe, kGt, kGe };
/** `unordered` = the result when one is NaN. */
template <class T, Order order, bool unordered>
void compare(Machine& m, const Instruction& it) {
  const T a = m.get<T>(it, 1), b = m.get<T>(it, 2);
  bool result = true;
  if (std::isnan(a) || std::isnan(b)) {
    result = unordered;
  } else {
    if (order == Order::kEq) result = a == b;
    if (order == Order::kNe) result = a != b;
    if (order == Order::kLt) result = a < b;
    if (order == Order::kLe) result = a <= b;
    if (order == Order::kGt) result = a > b;
    if (order == Order::kGe) result = a >= b;
  }
  m.set_predicate(it, 0, result);
}

template <class T, bool nan>
void is_nan(Machine& m, const Instruction& it) {
  m.set_predicate(it, 0, (std::isnan(m.get<T>(it, 1)) || std::isnan(m.get<T>(it, 2))) == nan);
}

template <class T, bool unordered>
void add_comparisons(Operations& all, const std::string& type) {
  const std::string end = (unordered ? "u." : ".") + type;
  all["setp.eq" + end] = {compare<T, Order::kEq, unordered>, 3};
  all["setp.ne" + end] = {compare<T, Order::kNe, unordered>, 3};
  all["setp.lt" + end] = {compare<T, Order::kLt, unordered>, 3};
  all["setp.le" + end] = {compare<T, Order::kLe, unordered>, 3};
  all["setp.gt" + end] = {compare<T, Order::kGt, unordered>, 3};
  all["setp.ge" + end] = {compare<T, Order::kGe, unordered>, 3};
  all[(unordered ? "setp.nan." : "setp.num.") + type] = {is_nan<T, unordered>, 3};
}

template <class T>
void add_type(Operations& all, const std::string& type) {
  all["add.rn." + type] = {add<T>, 3};
  all["sub.rn." + type] = {sub<T>, 3};
  all["mul.rn." + type] = {mul<T>, 3};
  all["div.rn." + type] = {div<T>, 3};
  all["fma.rn." + type] = {fma<T>, 4};
  all["sqrt.rn." + type] = {sqrt<T>, 2};
  all["rcp.rn." + type] = {rcp<T>, 2};
  all["neg." + type] = {neg<T>, 2};
  all["abs." + type] = {abs<T>, 2};
  all["copysign." + type] = {copysign<T>, 3};
  all["min." + type] = {extremum<T, false>, 3};
  all["max." + type] = {extremum<T, true>, 3};
  add_comparisons<T, false>(all, type);
  add_comparisons<T, true>(all, type);
}

}  // namespace

void add_float_operations(Operations& all) {
  add_type<float>(all, "f32");
  add_type<double>(all, "f64");
  all["ex2.approx.ftz.f32"] = {unary<sim::ex2_approx_ftz>, 2};
  all["lg2.approx.ftz.f32"] = {unary<sim::lg2_approx_ftz>, 2};
  all["rcp.approx.ftz.f32"] = {unary_flushed<reciprocal>, 2};
  all["rsqrt.approx.ftz.f32"] = {unary_flushed<reciprocal_root>, 2};
  all["sqrt.approx.ftz.f32"] = {unary_flushed<root>, 2};
  all["sin.approx.ftz.f32"] = {unary_flushed<sine>, 2};
  all["cos.approx.ftz.f32"] = {unary_flushed<cosine>, 2};
  all["tanh.approx.f32"] = {unary<tangent>, 2};
  all["fma.rn.bf16x2"] = {fma_bf16x2, 4};
}

}  // namespace dmoe::ptx
