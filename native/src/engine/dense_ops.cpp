#include "engine/dense_ops.hpp"

#include <algorithm>
#include <cmath>

#include "core/thread_pool.hpp"
#include "engine/cpu.hpp"
#include "engine/kernel_table.hpp"

namespace dmoe {
namespace {

constexpr int64_t kNormElements = 32768;  // per unit: below it a second thread costs more than it saves

// Resolved per call, like everywhere else: DYNAMIC_MOE_ISA may change.
const KernelTable& auto_kernels() { return kernel_table(resolve_isa(DMOE_ISA_AUTO)); }

void run_norm(norm_rms_kernel* kernel, const MatrixView& input, const float* weight, const float* bias,
              float epsilon, const OutputView& output) {
  DMOE_REQUIRE(output.rows == input.rows && output.columns == input.columns, DMOE_E_SHAPE,
               "output is [%lld, %lld], input is [%lld, %lld]", static_cast<long long>(output.rows),
               static_cast<long long>(output.columns), static_cast<long long>(input.rows),
               static_cast<long long>(input.columns));
  DMOE_REQUIRE(std::isfinite(epsilon) && epsilon >= 0, DMOE_E_OPTIONS,
               "epsilon is %g, must be finite and >= 0", static_cast<double>(epsilon));
  const Span out = span_of(output, "output");
  const bool in_place = output.data == input.data && output.stride == input.stride;
  const Span inputs[] = {span_of(weight, input.columns, "weight"), span_of(bias, input.columns, "bias"),
                         span_of(input, "input")};
  require_disjoint(&out, 1, inputs, in_place ? 2 : 3);
  const int64_t rows_per_unit = std::max<int64_t>(1, kNormElements / input.columns);
  const int64_t units = (input.rows + rows_per_unit - 1) / rows_per_unit;
  parallel_for(units, region_threads(0), [&](int64_t unit, int) {
    const int64_t first = unit * rows_per_unit;
    kernel({input.row(first), input.stride, std::min(rows_per_unit, input.rows - first), input.columns,
            weight, bias, epsilon, output.row(first), output.stride});
  });
}

void check(const dmoe_attention_params& p) {
  require_option(p.kv_heads, 1, 1 << 20, "kv_heads");
  require_option(p.query_heads, 1, 1 << 20, "query_heads");
  DMOE_REQUIRE(p.query_heads % p.kv_heads == 0, DMOE_E_OPTIONS,
               "query_heads is %d, must be a multiple of kv_heads (%d)", p.query_heads, p.kv_heads);
  require_option(p.head_dim, 1, 1024, "head_dim");
  require_option(p.threads, 0, 1 << 20, "threads");
  require_option(p.window, 0, INT32_MAX, "window");
  DMOE_REQUIRE(std::isfinite(p.scale) && p.scale > 0, DMOE_E_OPTIONS, "scale is %g, must be finite and > 0",
               static_cast<double>(p.scale));
  const int64_t most = int64_t{1} << 40;
  DMOE_REQUIRE(p.queries >= 0 && p.queries <= most, DMOE_E_SHAPE, "queries is %lld, must be within 0..2^40",
               static_cast<long long>(p.queries));
  DMOE_REQUIRE(p.first_position >= 0 && p.first_position <= most, DMOE_E_SHAPE,
               "first_position is %lld, must be within 0..2^40", static_cast<long long>(p.first_position));
  const int64_t columns = int64_t{p.kv_heads} * p.head_dim;
  DMOE_REQUIRE(p.cache_stride >= columns, DMOE_E_SHAPE, "cache_stride is %lld, must be at least %lld",
               static_cast<long long>(p.cache_stride), static_cast<long long>(columns));
  if (p.queries == 0) return;
  require_pointer(p.query, "query");
  require_pointer(p.keys, "keys");
  require_pointer(p.values, "values");
  require_pointer(p.output, "output");
  const int64_t row = int64_t{p.query_heads} * p.head_dim;
  const int64_t cache =
      checked_product(p.first_position + p.queries - 1, p.cache_stride, "positions * cache_stride") + columns;
  const Span outputs[] = {
      span_of(p.output, checked_product(p.queries, row, "queries * heads"), "output"),
      span_of(p.entropy, checked_product(p.queries, p.query_heads, "queries * heads"), "entropy")};
  const Span inputs[] = {span_of(p.query, p.queries * row, "query"), span_of(p.keys, cache, "keys"),
                         span_of(p.values, cache, "values")};
  require_disjoint(outputs, 2, inputs, 3);
}

}  // namespace

void run_rms_norm(const MatrixView& input, const float* weight, float epsilon, const OutputView& output) {
  run_norm(auto_kernels().norm_rms, input, weight, nullptr, epsilon, output);
}

void run_layer_norm(const MatrixView& input, const float* weight, const float* bias, float epsilon,
                    const OutputView& output) {
  run_norm(auto_kernels().norm_layer, input, weight, bias, epsilon, output);
}

void run_attention(const dmoe_attention_params& p) {
  const KernelTable& kernels = kernel_table(resolve_isa(p.isa));
  check(p);
  const int64_t row = int64_t{p.query_heads} * p.head_dim;
  const int64_t group = p.query_heads / p.kv_heads;
  const int64_t blocks = (p.queries + kAttentionQueries - 1) / kAttentionQueries;
  parallel_for(blocks * p.query_heads, region_threads(p.threads), [&](int64_t unit, int) {
    const int64_t head = unit % p.query_heads;
    // Late blocks see the most keys: claimed first, they do not leave one thread alone at the end.
    const int64_t first = (blocks - 1 - unit / p.query_heads) * kAttentionQueries;
    const int64_t kv = head / group * p.head_dim;
    Attention a;
    a.query = p.query + first * row + head * p.head_dim;
    a.keys = p.keys + kv;
    a.values = p.values + kv;
    a.output = p.output + first * row + head * p.head_dim;
    a.entropy = p.entropy == nullptr ? nullptr : p.entropy + first * p.query_heads + head;
    a.query_stride = row;
    a.cache_stride = p.cache_stride;
    a.entropy_stride = p.query_heads;
    a.queries = std::min(kAttentionQueries, p.queries - first);
    a.position = p.first_position + first;
    a.window = p.window;
    a.head_dim = p.head_dim;
    a.scale = p.scale;
    kernels.attention(a);
  });
}

}  // namespace dmoe
