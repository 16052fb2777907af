// combine: the body of every level. Include after a simd_*.hpp.

namespace dmoe {
namespace {

// One vector of a token's output; `n` lanes of it exist (16: all).
template <bool Whole>
DMOE_INLINE Vec combine_vector(const Combine& t, const int32_t* rows, const float* weights, int64_t column,
                               int n) {
  Vec acc = zero();
  bool first = true;
  for (int64_t s = 0; s < t.slots; ++s) {
    if (rows[s] < 0) continue;
    const float* y = t.y + rows[s] * t.y_stride + column;
    const Vec v = Whole ? load(y) : load_partial(y, n);
    acc = first ? mul(set1(weights[s]), v) : fma(set1(weights[s]), v, acc);
    first = false;
  }
  return acc;
}

DMOE_INLINE int64_t combine(const Combine& t) {
  int64_t bad = -1;
  for (int64_t token = 0; token < t.tokens; ++token) {
    const int32_t* rows = t.rows + token * t.slots;
    const float* weights = t.weights + token * t.slots;
    float* out = t.out + token * t.out_stride;
    Vec probe = zero();
    int64_t c = 0;
    for (; c + 16 <= t.columns; c += 16) {
      const Vec v = combine_vector<true>(t, rows, weights, c, 16);
      probe = add(probe, sub(v, v));
      store(out + c, v);
    }
    if (c < t.columns) {
      const int left = static_cast<int>(t.columns - c);
      const Vec v = combine_vector<false>(t, rows, weights, c, left);
      probe = add(probe, sub(v, v));
      store_partial(out + c, v, left);
    }
    if (bad < 0 && !(sum_tree(probe) == 0.0f)) bad = token;
  }
  return bad;
}

}  // namespace
}  // namespace dmoe
