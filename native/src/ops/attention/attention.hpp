// attention: causal grouped-query attention of a block of queries of one head over a cache.
//
// For query position q: keys j in (q - window, q] (all j <= q without a window), s_j = scale * q . k_j,
// out = sum p_j v_j, p = softmax(s). Keys go in ascending blocks of 64 that start at position 0: per block
// the largest score, then p_j = exp(s_j - m), the running sums are rescaled by exp(m_old - m_new), and values
// are added by fma in key order. Dot products: 16 lanes over head_dim, then the tree of sum_tree. So a
// query's bits depend on nothing but the query and the keys that it sees: not on the other queries of the
// call, the threads or the level. Entropy of p over ln(visible keys): (ln L - A / L) / ln n, L = sum of
// exp(s_j - m), A = sum of exp(s_j - m)(s_j - m). Error: scores off by es = scale * gamma(d/16 + 7) * sum
// |q||k| move p by a factor within exp(+-2 es) (1 + 2^-19 + gamma(n + n/64)); |out - exact| <= (exp(2 es) (1
// + 2^-19 + gamma(2 n)) - 1) * sum p |v| + n * 2^-125 * max |v|.
#ifndef DYNAMICMOE_OPS_ATTENTION_ATTENTION_HPP_
#define DYNAMICMOE_OPS_ATTENTION_ATTENTION_HPP_

#include <stdint.h>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

constexpr int64_t kAttentionKeys = 64;     // per block; part of the result's definition
constexpr int64_t kAttentionQueries = 16;  // per call at most; not part of it

struct Attention {
  const float* query;      // first query of the block, this head
  const float* keys;       // position 0, this head's kv head
  const float* values;     // likewise
  float* output;           // as query
  float* entropy;          // of the first query, this head, or NULL
  int64_t query_stride;    // of query and output
  int64_t cache_stride;    // of keys and values
  int64_t entropy_stride;  // elements between queries
  int64_t queries;         // 1..kAttentionQueries
  int64_t position;        // of the first query
  int64_t window;          // 0 = none
  int64_t head_dim;
  float scale;
};

using attention_kernel = void(const Attention&);

#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) op##_kernel name;
#include "ops/attention/attention.inc"
#undef DMOE_OP
#undef DMOE_KERNEL

}  // namespace dmoe

#endif  // DYNAMICMOE_OPS_ATTENTION_ATTENTION_HPP_
