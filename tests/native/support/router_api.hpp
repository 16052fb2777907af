// A router and its buffers through the C ABI, as a caller would hold them.
#ifndef DYNAMICMOE_TESTS_SUPPORT_ROUTER_API_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_ROUTER_API_HPP_

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "dynamicmoe/dynamicmoe.h"
#include "support/numbers.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {

inline dmoe_router_options router_options(int32_t hidden, int32_t experts, int32_t trained_k = 1) {
  dmoe_router_options o{};
  o.struct_size = sizeof o;
  o.hidden = hidden;
  o.experts = experts;
  o.trained_k = trained_k;
  o.groups = 1;
  o.top_groups = 1;
  o.routed_scale = 1.0f;
  o.max_tokens = 64;
  return o;
}

inline dmoe_route_params route_params(int32_t kmin, int32_t kmax) {
  dmoe_route_params p{};
  p.struct_size = sizeof p;
  p.min_experts = kmin;
  p.max_experts = kmax;
  p.tau = 0.3f;
  p.top_p = 0.9f;
  return p;
}

inline dmoe_matrix_f32 matrix(const std::vector<float>& values, int64_t rows, int64_t columns) {
  return {sizeof(dmoe_matrix_f32), values.data(), rows, columns, columns};
}
inline dmoe_output_f32 output(std::vector<float>& values, int64_t rows, int64_t columns) {
  return {sizeof(dmoe_output_f32), values.data(), rows, columns, columns};
}

struct RouterDeleter {
  void operator()(dmoe_router* router) const { dmoe_router_destroy(router); }
};
using RouterHandle = std::unique_ptr<dmoe_router, RouterDeleter>;

inline RouterHandle make_router(const dmoe_router_options& options, const std::vector<float>& weights,
                                const float* bias = nullptr) {
  dmoe_router* router = nullptr;
  EXPECT_EQ(dmoe_router_create(&options, weights.data(), bias, &router), DMOE_OK) << dmoe_last_error();
  return RouterHandle(router);
}
/** A router whose weights do not matter: for dmoe_router_select. */
inline RouterHandle make_router(const dmoe_router_options& options) {
  return make_router(options,
                     std::vector<float>(static_cast<size_t>(options.hidden * options.experts), 0.5f));
}

/** Every output of a routing call, filled with marks so that an untouched one shows. */
struct RouteBuffers {
  int64_t tokens;
  int32_t slots, experts;
  std::vector<int32_t> ids, counts;
  std::vector<float> weights, scores, logits, gaps;
  std::vector<int64_t> expert_routes;

  RouteBuffers(int64_t t, int32_t s, int32_t e)
      : tokens(t),
        slots(s),
        experts(e),
        ids(static_cast<size_t>(t * s), -77),
        counts(static_cast<size_t>(t), -77),
        weights(static_cast<size_t>(t * s), -77.0f),
        scores(static_cast<size_t>(t), -77.0f),
        logits(static_cast<size_t>(t * e), -77.0f),
        gaps(static_cast<size_t>(t * s), -77.0f),
        expert_routes(static_cast<size_t>(e), -77) {}

  dmoe_routes view() {
    dmoe_routes r{};
    r.struct_size = sizeof r;
    r.slots = slots;
    r.tokens = tokens;
    r.ids = ids.data();
    r.weights = weights.data();
    r.counts = counts.data();
    r.scores = scores.data();
    r.logits = logits.data();
    r.gaps = gaps.data();
    r.expert_routes = expert_routes.data();
    return r;
  }
  bool operator==(const RouteBuffers& o) const {
    return ids == o.ids && counts == o.counts && same_bits(weights, o.weights) &&
           same_bits(scores, o.scores) && same_bits(logits, o.logits) && same_bits(gaps, o.gaps) &&
           expert_routes == o.expert_routes;
  }
  bool untouched() const { return *this == RouteBuffers(tokens, slots, experts); }
  int32_t id(int64_t t, int32_t s) const { return ids[static_cast<size_t>(t * slots + s)]; }
  float weight(int64_t t, int32_t s) const { return weights[static_cast<size_t>(t * slots + s)]; }
  float gap(int64_t t, int32_t s) const { return gaps[static_cast<size_t>(t * slots + s)]; }
};

inline dmoe_batch_report empty_report() {
  dmoe_batch_report r{};
  r.struct_size = sizeof r;
  return r;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_ROUTER_API_HPP_
