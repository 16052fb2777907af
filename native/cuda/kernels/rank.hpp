// The order in which a token prefers experts, found by a warp: the rules of core/rules/rank.hpp, hence the
// same experts in the same order. Lane l looks after the experts l, l + 32, ...; the best of all is found
// over integer keys, which are unique, so that no order of comparisons can change it.
#ifndef DYNAMICMOE_CUDA_KERNELS_RANK_HPP_
#define DYNAMICMOE_CUDA_KERNELS_RANK_HPP_

#include "kernels/launch.hpp"
#include "kernels/warp.hpp"

namespace dmoe::cuda {

/** One token's row in shared memory. */
struct TokenRow {
  float* logits;     // [experts]
  float* mass;       // [experts]
  uint64_t* groups;  // [groups] or unused
  uint16_t* order;   // [ranked] experts in falling preference
  float total;       // tree sum of mass
};

static_assert(kMostExperts / kWarp <= 16, "bits of a lane's experts");

/** Turns the groups' keys into 1 = its experts may be chosen, 0 = not. */
__device__ __forceinline__ void choose_groups(const RankRules& rules, const TokenRow& row) {
  for (int g = lane_id(); g < rules.groups; g += kWarp)
    row.groups[g] = rule_group_key(&rules, row.logits, row.mass, row.total, g);
  __syncwarp();
  unsigned chosen = 0, bit = 1;
  for (int g = lane_id(); g < rules.groups; g += kWarp, bit <<= 1) {
    const uint64_t key = row.groups[g];
    int better = 0;
    for (int other = 0; other < rules.groups; ++other) better += row.groups[other] > key;
    if (key != DMOE_KEY_MASKED && better < rules.top_groups) chosen |= bit;
  }
  __syncwarp();
  bit = 1;
  for (int g = lane_id(); g < rules.groups; g += kWarp, bit <<= 1) row.groups[g] = (chosen & bit) != 0;
  __syncwarp();
}

/** A lane's experts that may be chosen: bit i = expert lane + 32 i. */
__device__ __forceinline__ unsigned usable_bits(const RankRules& rules, const TokenRow& row) {
  const bool all = rules.top_groups >= rules.groups;
  const int size = rules.experts / rules.groups;
  unsigned bits = 0, bit = 1;
  for (int e = lane_id(); e < rules.experts; e += kWarp, bit <<= 1) {
    if (rules.mask && rules.mask[e] == 0) continue;
    if (all || row.groups[e / size] != 0) bits |= bit;
  }
  return bits;
}

/** Best key among a lane's experts in `bits`; DMOE_KEY_MASKED for none. */
__device__ __forceinline__ uint64_t best_key(const RankRules& rules, const TokenRow& row, unsigned bits) {
  uint64_t best = DMOE_KEY_MASKED;
  for (; bits != 0; bits &= bits - 1) {
    const int e = lane_id() + (__ffs(static_cast<int>(bits)) - 1) * kWarp;
    const uint64_t key =
        rule_key(rules.bias ? rule_probability(&rules, row.mass, row.total, e) : row.logits[e], e);
    best = key > best ? key : best;
  }
  return best;
}

/** Puts the best `n` experts in order. @param usable [out] experts that may be chosen. @return experts in
 * order, min(n, usable) */
__device__ __forceinline__ int rank_experts(const RankRules& rules, const TokenRow& row, int n, int* usable) {
  if (rules.top_groups < rules.groups) choose_groups(rules, row);
  unsigned left = usable_bits(rules, row);
  *usable = __reduce_add_sync(kAllLanes, __popc(left));
  const int count = smaller(n, *usable);
  uint64_t mine = best_key(rules, row, left);
  for (int i = 0; i < count; ++i) {
    const auto high = static_cast<unsigned>(mine >> 32);
    const unsigned best_high = __reduce_max_sync(kAllLanes, high);
    const unsigned low = high == best_high ? static_cast<unsigned>(mine) : 0u;
    const unsigned best_low = __reduce_max_sync(kAllLanes, low);
    const int expert = rule_key_id(best_low);
    if (lane_id() == expert % kWarp) {
      row.order[i] = static_cast<uint16_t>(expert);
      left &= ~(1u << (expert / kWarp));
      mine = best_key(rules, row, left);
    }
  }
  __syncwarp();
  return count;
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_KERNELS_RANK_HPP_
