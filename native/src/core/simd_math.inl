// simd_math: exp, sigmoid and the experts' activations over the 16-lane vector. Include after one simd_*.hpp.
//
// Only correctly rounded operations in a fixed order, so every level gives the same bits.
//   vexp   relative error <= 2^-22 on [-87, 88]; arguments outside are clamped to it; NaN stays NaN
//   vsilu  relative error <= 2^-20 where |x| < 87, absolute <= 1e-36 |x| below
//   vgelu_erf, vgelu_tanh  |error| <= 2^-21 |x|
// Measured over all orders of magnitude by the tests of ops/experts; the polynomials are minimax fits.

namespace dmoe {
namespace {

DMOE_INLINE Vec vexp(Vec x) {
  const Vec shift = set1(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer, nearest even
  x = max(set1(-87.0f), min(set1(88.0f), x));
  const Vec shifted = fma(x, set1(1.44269504f), shift);
  const Vec n = sub(shifted, shift);
  Vec r = fma(n, set1(-0.693359375f), x);  // ln 2 in two parts: the first has 9 bits, so n times it is exact
  r = fma(n, set1(2.12194440e-4f), r);
  Vec p = fma(set1(1.392625083e-3f), r, set1(8.363232884e-3f));
  p = fma(p, r, set1(4.166655421e-2f));
  p = fma(p, r, set1(1.666657667e-1f));
  p = fma(p, r, set1(0.5f));
  p = fma(mul(p, r), r, r);
  return mul(add(p, set1(1.0f)), pow2_of_shifted(shifted));
}

// x / (1 + exp(-y)): silu for y = x; sigmoid(y) for x = 1.
DMOE_INLINE Vec gated(Vec x, Vec y) { return div(x, add(set1(1.0f), vexp(sub(zero(), y)))); }

DMOE_INLINE Vec vsilu(Vec x) { return gated(x, x); }

DMOE_INLINE Vec vrelu(Vec x) { return max(zero(), x); }

// 0.5 x (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
DMOE_INLINE Vec vgelu_tanh(Vec x) {
  const Vec cubic = fma(mul(x, x), set1(0.044715f), set1(1.0f));
  return gated(x, mul(mul(x, set1(1.59576912f)), cubic));
}

// x Phi(x), z = |x| / sqrt 2. For z < 1: Phi = 0.5 + 0.5 erf(z) with erf odd; above: the tail erfc(z)/2 =
// exp(poly(z)).
DMOE_INLINE Vec vgelu_erf(Vec x) {
  const Vec half = set1(0.5f);
  const Vec z = min(mul(abs(x), set1(0.707106781f)), set1(4.25f));
  const Vec s = mul(z, z);
  Vec e = fma(set1(7.875875063e-5f), s, set1(-8.016864287e-4f));
  e = fma(e, s, set1(5.189087423e-3f));
  e = fma(e, s, set1(-2.685421201e-2f));
  e = fma(e, s, set1(1.128359472e-1f));
  e = fma(e, s, set1(-3.761262667e-1f));
  e = fma(e, s, set1(1.128379166f));
  const Vec near_tail = fma(mul(e, z), set1(-0.5f), half);
  Vec t = fma(set1(1.517847257e-6f), z, set1(-4.371806625e-5f));
  t = fma(t, z, set1(5.772692951e-4f));
  t = fma(t, z, set1(-4.669093678e-3f));
  t = fma(t, z, set1(2.616719202e-2f));
  t = fma(t, z, set1(-1.096389111e-1f));
  t = fma(t, z, set1(-6.322888094e-1f));
  t = fma(t, z, set1(-1.129965726f));
  t = fma(t, z, set1(-6.928924214e-1f));
  const Vec tail = select_less(z, set1(1.0f), near_tail, vexp(t));  // Phi(-|x|)
  return mul(x, select_less(x, zero(), tail, sub(set1(1.0f), tail)));
}

}  // namespace
}  // namespace dmoe
