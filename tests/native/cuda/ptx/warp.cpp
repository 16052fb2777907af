// Warp operations, on the models of the simulator.
#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/operations.hpp"
#include "cuda/sim/collectives.hpp"

namespace dmoe::ptx {
namespace {

constexpr unsigned kAll = 0xffffffffu;

template <class Out, class In>
Out warp(Machine& m, const Instruction& it, unsigned mask, sim::Combine combine, const In& in) {
  Out out{};
  sim::collective(mask, combine, &in, &out, false, m.site(it));
  return out;
}

/** shfl d{|p}, a, b, c, mask. */
template <sim::Combine combine>
void shuffle(Machine& m, const Instruction& it) {
  const sim::ShflIn in{m.get<uint32_t>(it, 1), m.get<uint32_t>(it, 2), m.get<uint32_t>(it, 3)};
  const auto out = warp<sim::ShflOut>(m, it, m.get<uint32_t>(it, 4), combine, in);
  m.set<uint32_t>(it, 0, static_cast<uint32_t>(out.value));
  if (it.second >= 0) m.registers[it.second] = out.in_range;
}

unsigned votes(Machine& m, const Instruction& it) {
  return warp<unsigned>(m, it, m.get<uint32_t>(it, 2), sim::ballot, static_cast<int>(m.predicate(it, 1)));
}
void vote_ballot(Machine& m, const Instruction& it) { m.set<uint32_t>(it, 0, votes(m, it)); }
void vote_any(Machine& m, const Instruction& it) { m.set_predicate(it, 0, votes(m, it) != 0); }
void vote_all(Machine& m, const Instruction& it) {
  m.set_predicate(it, 0, votes(m, it) == m.get<uint32_t>(it, 2));
}

template <class T>
void match(Machine& m, const Instruction& it) {
  m.set<uint32_t>(it, 0,
                  warp<unsigned>(m, it, m.get<uint32_t>(it, 2), sim::match_any, uint64_t{m.get<T>(it, 1)}));
}
template <sim::Combine combine>
void reduce(Machine& m, const Instruction& it) {
  m.set<uint32_t>(it, 0, warp<uint32_t>(m, it, m.get<uint32_t>(it, 2), combine, m.get<uint32_t>(it, 1)));
}
void sync_warp(Machine& m, const Instruction& it) {
  char none = 0;
  sim::collective(m.get<uint32_t>(it, 0), sim::sync_warp, &none, &none, true, m.site(it));
}

/** ldmatrix {d...}, [row]. */
template <size_t matrices, sim::Combine combine>
void load_matrix(Machine& m, const Instruction& it) {
  sim::MatrixRow row{};
  if (sim::running->linear % sim::kWarp < 8 * matrices) {
    std::memcpy(&row, m.shared_at(it, m.address(it, matrices), sizeof row), sizeof row);
  }
  const auto out = warp<sim::MatrixOut>(m, it, kAll, combine, row);
  for (size_t i = 0; i < matrices; ++i) m.set<uint32_t>(it, i, out.part[i]);
}
template <size_t matrices>
void add_matrices(Operations& all, const std::string& count) {
  const std::string name = "ldmatrix.sync.aligned.m8n8." + count;
  all[name + ".shared.b16"] = {load_matrix<matrices, sim::ldmatrix>, matrices + 1};
  all[name + ".trans.shared.b16"] = {load_matrix<matrices, sim::ldmatrix_trans>, matrices + 1};
}

/** mma {d x4}, {a x4}, {b x2}, {c x4}. */
void mma(Machine& m, const Instruction& it) {
  sim::MmaIn in{};
  for (size_t i = 0; i < 4; ++i) {
    in.a[i] = m.get<uint32_t>(it, 4 + i);
    in.c[i] = m.get<float>(it, 10 + i);
  }
  for (size_t i = 0; i < 2; ++i) in.b[i] = m.get<uint32_t>(it, 8 + i);
  const auto out = warp<sim::MmaOut>(m, it, kAll, sim::mma_m16n8k16_bf16, in);
  for (size_t i = 0; i < 4; ++i) m.set<float>(it, i, out.d[i]);
}

}  // namespace

void add_warp_operations(Operations& all) {
  all["shfl.sync.idx.b32"] = {shuffle<sim::shfl_idx>, 5};
  all["shfl.sync.up.b32"] = {shuffle<sim::shfl_up>, 5};
  all["shfl.sync.down.b32"] = {shuffle<sim::shfl_down>, 5};
  all["shfl.sync.bfly.b32"] = {shuffle<sim::shfl_bfly>, 5};
  all["vote.sync.ballot.b32"] = {vote_ballot, 3};
  all["vote.sync.any.pred"] = {vote_any, 3};
  all["vote.sync.all.pred"] = {vote_all, 3};
  all["match.any.sync.b32"] = {match<uint32_t>, 3};
  all["match.any.sync.b64"] = {match<uint64_t>, 3};
  all["redux.sync.add.s32"] = all["redux.sync.add.u32"] = {reduce<sim::reduce_add>, 3};
  all["redux.sync.min.s32"] = {reduce<sim::reduce_min_signed>, 3};
  all["redux.sync.max.s32"] = {reduce<sim::reduce_max_signed>, 3};
  all["redux.sync.min.u32"] = {reduce<sim::reduce_min_unsigned>, 3};
  all["redux.sync.max.u32"] = {reduce<sim::reduce_max_unsigned>, 3};
  all["redux.sync.and.b32"] = {reduce<sim::reduce_and>, 3};
  all["redux.sync.or.b32"] = {reduce<sim::reduce_or>, 3};
  all["redux.sync.xor.b32"] = {reduce<sim::reduce_xor>, 3};
  all["bar.warp.sync"] = {sync_warp, 1};
  add_matrices<1>(all, "x1");
  add_matrices<2>(all, "x2");
  add_matrices<4>(all, "x4");
  all["mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"] = {mma, 14};
}

}  // namespace dmoe::ptx
