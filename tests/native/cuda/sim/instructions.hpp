// Models of kernels/instructions.hpp, by the same names.
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_INSTRUCTIONS_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_INSTRUCTIONS_HPP_

#include <cmath>

#include "cuda/sim/approximate.hpp"
#include "cuda/sim/async_copies.hpp"
#include "cuda/sim/language.hpp"
#include "cuda/sim/planted.hpp"

namespace dmoe::cuda {

inline float ex2(float x) { return sim::ex2_approx_ftz(x); }
inline float lg2(float x) { return sim::lg2_approx_ftz(x); }
inline unsigned cvt_bf16x2(float lo, float hi) {
  return sim::bf16_nearest(lo) | static_cast<unsigned>(sim::bf16_nearest(hi)) << 16;
}

inline unsigned fma_bf16x2(unsigned a, unsigned b, unsigned c) {
  const auto one = [](unsigned x, unsigned y, unsigned z) -> unsigned { return sim::bf16_fma(x, y, z); };
  return one(a & 0xffffu, b & 0xffffu, c & 0xffffu) | one(a >> 16, b >> 16, c >> 16) << 16;
}
inline void halves_to_floats(unsigned halves, float& lo, float& hi) {
  lo = sim::half_to_float(static_cast<uint16_t>(halves));
  hi = sim::half_to_float(static_cast<uint16_t>(halves >> 16));
}

inline void cp_async16(void* shared, const void* global, int bytes, DMOE_SITE) {
  if (!sim::running->copies->start(shared, global, 16, bytes)) {
    sim::fail(site, "cp.async needs both addresses aligned to 16 and 0 to 16 bytes");
  }
}
inline void cp_async_commit() { sim::running->copies->commit(); }
template <int N>
inline void cp_async_wait(DMOE_SITE) {
  sim::running->copies->wait(sim::planted("wait", site) ? N + 1 : N);
}

/** The row of 16 bytes that the lane names; `used` lanes count. */
inline sim::MatrixRow matrix_row(const void* row, bool used, sim::Site site) {
  sim::MatrixRow out{};
  if (!used) return out;
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) sim::fail(site, "ldmatrix needs rows aligned to 16");
  __builtin_memcpy(&out, row, sizeof out);
  return out;
}
inline void ldmatrix_any(unsigned* r, int matrices, const void* row, sim::Combine combine, sim::Site site) {
  const bool used = static_cast<int>(sim::running->linear % 32) < 8 * matrices;
  const auto out = sim::warp<sim::MatrixOut>(0xffffffffu, combine, matrix_row(row, used, site), site);
  for (int i = 0; i < matrices; ++i) r[i] = out.part[i];
}
inline void ldmatrix_x4(unsigned (&r)[4], const void* row, DMOE_SITE) {
  ldmatrix_any(r, 4, row, sim::ldmatrix, site);
}
inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* row, DMOE_SITE) {
  ldmatrix_any(r, 4, row, sim::ldmatrix_trans, site);
}
inline void ldmatrix_x2(unsigned (&r)[2], const void* row, DMOE_SITE) {
  ldmatrix_any(r, 2, row, sim::ldmatrix, site);
}
inline void ldmatrix_x2_trans(unsigned (&r)[2], const void* row, DMOE_SITE) {
  ldmatrix_any(r, 2, row, sim::ldmatrix_trans, site);
}

inline void mma_bf16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, DMOE_SITE) {
  const sim::MmaIn in{{a[0], a[1], a[2], a[3]}, {b0, b1}, {d[0], d[1], d[2], d[3]}};
  const auto out = sim::warp<sim::MmaOut>(0xffffffffu, sim::mma_m16n8k16_bf16, in, site);
  for (int i = 0; i < 4; ++i) d[i] = out.d[i];
}

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_INSTRUCTIONS_HPP_
