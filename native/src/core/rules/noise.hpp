// Reproducible routing noise: Philox4x32-10 (Salmon et al., SC 2011), keyed by seed, position and expert.
#ifndef DYNAMICMOE_CORE_RULES_NOISE_HPP_
#define DYNAMICMOE_CORE_RULES_NOISE_HPP_

#include "core/rules/math.hpp"

namespace dmoe {

/** Ten rounds over counter[4] with key k0, k1; the counter becomes the output block. */
DMOE_RULE void rule_philox(uint32_t* counter, uint32_t k0, uint32_t k1) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = (uint64_t)0xD2511F53u * c0;
    const uint64_t b = (uint64_t)0xCD9E8D57u * c2;
    const uint32_t n0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
    const uint32_t n2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)b;
    c3 = (uint32_t)a;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
}

/** z: nearly normal, mean 0, deviation 1, |z| < 4.9. The block's eight 16-bit halves are summed exactly and
 * centred; key = seed (low, high), counter = (position low, position high, expert, 0). */
DMOE_RULE float rule_noise(uint64_t seed, int64_t position, int32_t expert) {
  uint32_t block[4] = {(uint32_t)(uint64_t)position, (uint32_t)((uint64_t)position >> 32), (uint32_t)expert,
                       0u};
  rule_philox(block, (uint32_t)seed, (uint32_t)(seed >> 32));
  int32_t sum = 0;
  for (int i = 0; i < 4; ++i) sum += (int32_t)(block[i] & 0xffffu) + (int32_t)(block[i] >> 16);
  return (float)(sum - 262140) * 1.86881e-5f;
}

/** A logit with noise: two roundings. */
DMOE_RULE float rule_noisy(float logit, float factor, float z) { return logit + factor * z; }

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_RULES_NOISE_HPP_
