// Routing in double precision, one token at a time, as the rules read. It shares no code with the library.
#ifndef DYNAMICMOE_TESTS_SUPPORT_REFERENCE_ROUTER_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_REFERENCE_ROUTER_HPP_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "dynamicmoe/dynamicmoe.h"

namespace dmoe::test {

struct ReferenceToken {
  std::vector<int32_t> order;   // usable experts in falling preference
  std::vector<int32_t> ids;     // chosen
  std::vector<double> weights;  // of the chosen
  std::vector<double> gaps;     // of order
  double score = 0;
  bool close = false;  // a decision that passes through exp or a sum is within float rounding of its boundary
};

class ReferenceRouter {
 public:
  ReferenceRouter(const dmoe_router_options& options, const dmoe_route_params& params)
      : o_(options), p_(params) {}

  ReferenceToken decide(const float* logits, int64_t token) const {
    ReferenceToken r;
    const std::vector<double> p = probabilities(logits);
    r.order = order(logits, p, &r.close);
    r.score = score(p, token);
    const int32_t first = r.order.empty() ? 0 : r.order[0];
    for (int32_t e : r.order) r.gaps.push_back(gap(logits[first], logits[e]));
    const size_t limit = std::min(r.order.size(), count(r.score, token, &r.close));
    r.ids.assign(r.order.begin(), r.order.begin() + static_cast<int64_t>(taken(r, p, limit, token)));
    r.weights = weights(r, logits, p);
    return r;
  }

  std::vector<double> probabilities(const float* logits) const {
    const auto n = static_cast<size_t>(o_.experts);
    std::vector<double> p(n);
    const double best = *std::max_element(logits, logits + n);
    double sum = 0;
    for (size_t e = 0; e < n; ++e) {
      const double l = logits[e];
      p[e] = o_.gate == DMOE_GATE_SOFTMAX ? std::exp(l - best) : 1 / (1 + std::exp(-l));
      sum += p[e];
    }
    if (o_.gate == DMOE_GATE_SOFTMAX)
      for (double& v : p) v /= sum;
    return p;
  }

 private:
  static constexpr double kClose = 2e-6;

  bool usable(int32_t e) const { return p_.expert_mask == nullptr || p_.expert_mask[e] != 0; }
  double biased(const std::vector<double>& p, int32_t e) const {
    return p[static_cast<size_t>(e)] + (p_.selection_bias ? static_cast<double>(p_.selection_bias[e]) : 0.0);
  }

  std::vector<int32_t> order(const float* logits, const std::vector<double>& p, bool* close) const {
    const auto q = [&](int32_t e) {
      return p_.selection_bias ? biased(p, e) : static_cast<double>(logits[e]);
    };
    const int32_t size = o_.experts / o_.groups;
    std::vector<std::pair<double, int32_t>> groups;  // negated score, group
    for (int32_t g = 0; g < o_.groups; ++g) {
      std::vector<double> members;
      for (int32_t e = g * size; e < (g + 1) * size; ++e)
        if (usable(e)) members.push_back(o_.group_score == DMOE_GROUP_TOP2_SUM ? biased(p, e) : q(e));
      if (members.empty()) continue;
      std::sort(members.rbegin(), members.rend());
      const bool pair = o_.group_score == DMOE_GROUP_TOP2_SUM && members.size() > 1;
      groups.emplace_back(-(members[0] + (pair ? members[1] : 0)), g);
    }
    std::sort(groups.begin(), groups.end());
    const auto kept = std::min(groups.size(), static_cast<size_t>(o_.top_groups));
    if (kept < groups.size() && std::abs(groups[kept - 1].first - groups[kept].first) < kClose) *close = true;
    std::vector<int32_t> ids;
    for (size_t i = 0; i < kept; ++i)
      for (int32_t e = groups[i].second * size; e < (groups[i].second + 1) * size; ++e)
        if (usable(e)) ids.push_back(e);
    std::sort(ids.begin(), ids.end());
    std::stable_sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) { return q(a) > q(b); });
    if (p_.selection_bias)
      for (size_t i = 0; i + 1 < ids.size(); ++i)
        if (std::abs(q(ids[i]) - q(ids[i + 1])) < kClose) *close = true;
    return ids;
  }

  double score(const std::vector<double>& p, int64_t token) const {
    if (p_.score_source == DMOE_SCORE_SUPPLIED) return static_cast<double>(p_.scores[token]);
    if (p_.score_source == DMOE_SCORE_HALF) return 0.5;
    if (p.size() < 2) return 0;
    if (p_.score_source == DMOE_SCORE_ROUTER_MARGIN) {
      std::vector<double> sorted = p;
      std::sort(sorted.rbegin(), sorted.rend());
      return sorted[1] / sorted[0];
    }
    double sum = 0, entropy = 0;
    for (double v : p) sum += v;
    for (double v : p)
      if (v > 0) entropy -= v / sum * std::log(v / sum);
    return entropy / std::log(static_cast<double>(p.size()));
  }

  size_t count(double score, int64_t token, bool* close) const {
    const double kmin = p_.min_experts, kmax = p_.max_experts;
    if (p_.strategy != DMOE_STRATEGY_TOP_K) return static_cast<size_t>(p_.max_experts);
    if (p_.counts) return static_cast<size_t>(std::clamp(p_.counts[token], p_.min_experts, p_.max_experts));
    const double x = kmin + (kmax - kmin) * score + static_cast<double>(p_.count_offset);
    const bool exact = p_.score_source == DMOE_SCORE_HALF || p_.score_source == DMOE_SCORE_SUPPLIED;
    if (!exact && std::abs(x - std::floor(x) - 0.5) < kClose * (kmax + 1)) *close = true;
    return static_cast<size_t>(std::clamp(std::nearbyint(x), kmin, kmax));
  }

  double gap(float first, float l) const {
    const auto log_sigmoid = [](double x) {
      return x >= 0 ? -std::log1p(std::exp(-x)) : x - std::log1p(std::exp(x));
    };
    return o_.gate == DMOE_GATE_SOFTMAX ? static_cast<double>(first) - static_cast<double>(l)
                                        : log_sigmoid(first) - log_sigmoid(l);
  }

  size_t taken(ReferenceToken& r, const std::vector<double>& p, size_t limit, int64_t token) const {
    const double tau = p_.token_taus ? p_.token_taus[token] : p_.tau;
    double total = 0, mass = 0;
    for (double v : p) total += v;
    for (size_t i = 0; i < limit; ++i) {
      if (i >= static_cast<size_t>(p_.min_experts)) {
        if (p_.strategy == DMOE_STRATEGY_THRESHOLD) {
          if (std::abs(r.gaps[i] + std::log(tau)) < kClose * (1 + r.gaps[i]) && r.gaps[i] != 0)
            r.close = true;
          if (r.gaps[i] > -std::log(tau)) return i;
        }
        if (p_.strategy == DMOE_STRATEGY_TOP_P) {
          if (std::abs(mass / total - static_cast<double>(p_.top_p)) < kClose) r.close = true;
          if (mass / total >= static_cast<double>(p_.top_p)) return i;
        }
      }
      mass += p[static_cast<size_t>(r.order[i])];
    }
    return limit;
  }

  std::vector<double> weights(const ReferenceToken& r, const float* logits,
                              const std::vector<double>& p) const {
    std::vector<double> w;
    if (p_.weighting == DMOE_WEIGHT_RAW) {
      for (int32_t e : r.ids) w.push_back(p[static_cast<size_t>(e)]);
    } else {
      std::vector<int32_t> base = r.ids;
      if (p_.weighting == DMOE_WEIGHT_TRAINED_SCALE)
        base.assign(r.order.begin(),
                    r.order.begin() +
                        static_cast<int64_t>(std::min(r.order.size(), static_cast<size_t>(o_.trained_k))));
      double best = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int32_t e : base) best = std::max(best, static_cast<double>(logits[e]));
      const bool sigmoid = o_.gate == DMOE_GATE_SIGMOID;
      const auto mass = [&](int32_t e) {
        return sigmoid ? p[static_cast<size_t>(e)] : std::exp(static_cast<double>(logits[e]) - best);
      };
      for (int32_t e : base) sum += mass(e);
      for (int32_t e : r.ids) w.push_back(mass(e) / sum);
    }
    for (double& v : w) v *= static_cast<double>(o_.routed_scale);
    return w;
  }

  dmoe_router_options o_;
  dmoe_route_params p_;
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_REFERENCE_ROUTER_HPP_
