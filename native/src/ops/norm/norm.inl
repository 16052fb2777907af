// norm: the body of every level. Include after a simd_*.hpp.

namespace dmoe {
namespace {

// Calls body(column, lanes) for each vector of a row; lanes is 16 but for the last one.
template <class Body>
DMOE_INLINE void each_vector(int64_t columns, Body body) {
  int64_t c = 0;
  for (; c + 16 <= columns; c += 16) body(c, 16);
  if (c < columns) body(c, static_cast<int>(columns - c));
}
DMOE_INLINE Vec load_lanes(const float* p, int n) { return n == 16 ? load(p) : load_partial(p, n); }
DMOE_INLINE void store_lanes(float* p, Vec a, int n) {
  if (n == 16) {
    store(p, a);
  } else {
    store_partial(p, a, n);
  }
}

DMOE_INLINE float inverse_root(float sum_of_squares, int64_t columns, float epsilon) {
  return 1.0f / __builtin_sqrtf(sum_of_squares / static_cast<float>(columns) + epsilon);
}

DMOE_INLINE void norm_rms(const Norm& t) {
  for (int64_t row = 0; row < t.rows; ++row) {
    const float* x = t.in + row * t.in_stride;
    float* y = t.out + row * t.out_stride;
    Vec squares = zero();
    each_vector(
        t.columns, [&](int64_t c, int n) __attribute__((always_inline)) {
          const Vec v = load_lanes(x + c, n);
          squares = fma(v, v, squares);
        });
    const Vec scale = set1(inverse_root(sum_tree(squares), t.columns, t.epsilon));
    each_vector(
        t.columns, [&](int64_t c, int n) __attribute__((always_inline)) {
          const Vec v = mul(load_lanes(x + c, n), scale);
          store_lanes(y + c, t.weight == nullptr ? v : mul(v, load_lanes(t.weight + c, n)), n);
        });
  }
}

DMOE_INLINE void norm_layer(const Norm& t) {
  for (int64_t row = 0; row < t.rows; ++row) {
    const float* x = t.in + row * t.in_stride;
    float* y = t.out + row * t.out_stride;
    Vec sum = zero();
    each_vector(
        t.columns, [&](int64_t c, int n)
                       __attribute__((always_inline)) { sum = add(sum, load_lanes(x + c, n)); });
    const Vec mean = set1(sum_tree(sum) / static_cast<float>(t.columns));
    alignas(
        64) float means[16];  // of which a last vector takes as many lanes as it has, so that its pad stays 0
    store(means, mean);
    Vec squares = zero();
    each_vector(
        t.columns, [&](int64_t c, int n) __attribute__((always_inline)) {
          const Vec v = sub(load_lanes(x + c, n), load_lanes(means, n));
          squares = fma(v, v, squares);
        });
    const Vec scale = set1(inverse_root(sum_tree(squares), t.columns, t.epsilon));
    each_vector(
        t.columns, [&](int64_t c, int n) __attribute__((always_inline)) {
          Vec v = mul(sub(load_lanes(x + c, n), mean), scale);
          if (t.weight != nullptr) v = mul(v, load_lanes(t.weight + c, n));
          if (t.bias != nullptr) v = add(v, load_lanes(t.bias + c, n));
          store_lanes(y + c, v, n);
        });
  }
}

}  // namespace
}  // namespace dmoe
