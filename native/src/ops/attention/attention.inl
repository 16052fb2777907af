// attention: the body of every level. Include after a simd_*.hpp and simd_math.inl.

namespace dmoe {
namespace {

constexpr int kKeyVectors = kAttentionKeys / 16;

// Running softmax of one query.
struct SoftmaxState {
  float largest;    // m
  float sum;        // L
  float weighted;   // A
  float rescale;    // factor on what was added before this block
  int64_t visible;  // keys seen so far
};

DMOE_INLINE float dot(const float* a, const float* b, int64_t n) {
  Vec acc = zero();
  int64_t c = 0;
  for (; c + 16 <= n; c += 16) acc = fma(load(a + c), load(b + c), acc);
  if (c < n) {
    const int left = static_cast<int>(n - c);
    acc = fma(load_partial(a + c, left), load_partial(b + c, left), acc);
  }
  return sum_tree(acc);
}

DMOE_INLINE float first_lane(Vec a) {
  alignas(64) float lanes[16];
  store(lanes, a);
  return lanes[0];
}

// Scores of keys [from, to) of a block, then their exponentials in p[64] (0 elsewhere), and the new state.
DMOE_INLINE void block_softmax(const Attention& t, const float* query, const float* keys, int from, int to,
                               SoftmaxState& state, float* p) {
  alignas(64) float scores[kAttentionKeys];
  float largest = state.largest;
  for (int j = 0; j < kAttentionKeys; ++j) scores[j] = 0.0f;
  for (int j = from; j < to; ++j) {
    scores[j] = dot(query, keys + j * t.cache_stride, t.head_dim) * t.scale;
    largest = scores[j] > largest ? scores[j] : largest;
  }
  const Vec m = set1(largest);
  const bool first = state.visible == 0;
  state.rescale = first ? 0.0f : first_lane(vexp(set1(state.largest - largest)));
  const float shift = first ? 0.0f : state.largest - largest;
  for (int v = 0; v < kKeyVectors; ++v) {
    const Vec s = sub(load(scores + 16 * v), m);
    store(p + 16 * v, vexp(s));
    store(scores + 16 * v, s);
  }
  for (int j = 0; j < from; ++j) p[j] = 0.0f;
  for (int j = to; j < kAttentionKeys; ++j) p[j] = 0.0f;
  Vec sum = zero();
  Vec weighted = zero();
  for (int v = 0; v < kKeyVectors; ++v) {
    sum = add(sum, load(p + 16 * v));
    weighted = fma(load(p + 16 * v), load(scores + 16 * v), weighted);
  }
  const float before = __builtin_fmaf(state.sum, shift, state.weighted);
  state.weighted = __builtin_fmaf(before, state.rescale, sum_tree(weighted));
  state.sum = __builtin_fmaf(state.sum, state.rescale, sum_tree(sum));
  state.largest = largest;
  state.visible += to - from;
}

// out = out * rescale + sum over keys [from, to) of p_j v_j, V vectors of columns at a time.
template <int V>
DMOE_INLINE void add_values(const float* values, int64_t stride, const float* p, int from, int to,
                            float rescale, float* out) {
  Vec acc[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) acc[v] = mul(load(out + 16 * v), set1(rescale));
  for (int j = from; j < to; ++j) {
    const Vec weight = set1(p[j]);
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) acc[v] = fma(weight, load(values + j * stride + 16 * v), acc[v]);
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) store(out + 16 * v, acc[v]);
}

DMOE_INLINE void add_last_values(const float* values, int64_t stride, const float* p, int from, int to,
                                 float rescale, float* out, int columns) {
  Vec acc = mul(load_partial(out, columns), set1(rescale));
  for (int j = from; j < to; ++j) acc = fma(set1(p[j]), load_partial(values + j * stride, columns), acc);
  store_partial(out, acc, columns);
}

DMOE_INLINE void block_values(const Attention& t, const float* values, const float* p, int from, int to,
                              float rescale, float* out) {
  int64_t c = 0;
  for (; c + 64 <= t.head_dim; c += 64)
    add_values<4>(values + c, t.cache_stride, p, from, to, rescale, out + c);
  for (; c + 16 <= t.head_dim; c += 16)
    add_values<1>(values + c, t.cache_stride, p, from, to, rescale, out + c);
  if (c < t.head_dim) {
    add_last_values(values + c, t.cache_stride, p, from, to, rescale, out + c,
                    static_cast<int>(t.head_dim - c));
  }
}

DMOE_INLINE void finish_query(const Attention& t, const SoftmaxState& state, int64_t query) {
  float* out = t.output + query * t.query_stride;
  for (int64_t d = 0; d < t.head_dim; ++d) out[d] = out[d] / state.sum;
  if (t.entropy == nullptr) return;
  float entropy = 0.0f;
  if (state.visible > 1) {
    const double sum = static_cast<double>(state.sum);
    const double nats = __builtin_log(sum) - static_cast<double>(state.weighted) / sum;
    entropy = static_cast<float>(nats / __builtin_log(static_cast<double>(state.visible)));
    entropy = entropy < 0.0f ? 0.0f : entropy > 1.0f ? 1.0f : entropy;
  }
  t.entropy[query * t.entropy_stride] = entropy;
}

DMOE_INLINE void attention(const Attention& t) {
  SoftmaxState states[kAttentionQueries];
  alignas(64) float p[kAttentionKeys];
  for (int64_t i = 0; i < t.queries; ++i) {
    states[i] = {-__builtin_inff(), 0.0f, 0.0f, 0.0f, 0};
    for (int64_t d = 0; d < t.head_dim; ++d) t.output[i * t.query_stride + d] = 0.0f;
  }
  const int64_t end = t.position + t.queries;
  const int64_t begin = t.window == 0 || t.position < t.window ? 0 : t.position - t.window + 1;
  for (int64_t block = begin / kAttentionKeys * kAttentionKeys; block < end; block += kAttentionKeys) {
    for (int64_t i = 0; i < t.queries; ++i) {  // a block's keys and values stay in cache for all queries
      const int64_t position = t.position + i;
      const int64_t oldest = t.window == 0 || position < t.window ? 0 : position - t.window + 1;
      const int64_t from = oldest > block ? oldest - block : 0;
      const int64_t to = position + 1 - block < kAttentionKeys ? position + 1 - block : kAttentionKeys;
      if (from >= to) continue;
      float* out = t.output + i * t.query_stride;
      block_softmax(t, t.query + i * t.query_stride, t.keys + block * t.cache_stride, static_cast<int>(from),
                    static_cast<int>(to), states[i], p);
      block_values(t, t.values + block * t.cache_stride, p, static_cast<int>(from), static_cast<int>(to),
                   states[i].rescale, out);
    }
  }
  for (int64_t i = 0; i < t.queries; ++i) finish_query(t, states[i], i);
}

}  // namespace
}  // namespace dmoe
