// Branches, barriers and fences.
#include "cuda/ptx/machine.hpp"
#include "cuda/ptx/operations.hpp"

namespace dmoe::ptx {
namespace {

void branch(Machine& m, const Instruction& it) { m.next = it.target; }
void leave(Machine& m, const Instruction&) { m.next = m.entry->code.size(); }
void trap(Machine& m, const Instruction& it) { m.fail(it, "trap"); }
// Blocks run one after the other, and a thread until it waits.
void fence(Machine&, const Instruction&) {}

void check_barrier(Machine& m, const Instruction& it, size_t operand) {
  if (m.get<uint32_t>(it, operand) != 0) m.fail(it, "another barrier than 0");
}
void barrier(Machine& m, const Instruction& it) {
  check_barrier(m, it, 0);
  sim::barrier(0, m.site(it));
}
void barrier_or(Machine& m, const Instruction& it) {
  check_barrier(m, it, 1);
  m.set_predicate(it, 0, sim::barrier(m.predicate(it, 2), m.site(it)).any != 0);
}
void barrier_and(Machine& m, const Instruction& it) {
  check_barrier(m, it, 1);
  m.set_predicate(it, 0, sim::barrier(m.predicate(it, 2), m.site(it)).all != 0);
}
void barrier_count(Machine& m, const Instruction& it) {
  check_barrier(m, it, 1);
  m.set<int32_t>(it, 0, sim::barrier(m.predicate(it, 2), m.site(it)).count);
}

}  // namespace

void add_block_operations(Operations& all) {
  all["bra"] = all["bra.uni"] = {branch, 0};
  all["ret"] = all["exit"] = {leave, 0};
  all["trap"] = {trap, 0};
  for (const char* name :
       {"membar.cta", "membar.gl", "membar.sys", "fence.acq_rel.cta", "fence.acq_rel.gpu", "fence.sc.gpu"}) {
    all[name] = {fence, 0};
  }
  all["bar.sync"] = all["barrier.sync"] = all["barrier.sync.aligned"] = {barrier, 1};
  for (const char* name : {"bar", "barrier", "barrier.cta"}) {
    all[std::string(name) + ".red.or.pred"] = {barrier_or, 3};
    all[std::string(name) + ".red.and.pred"] = {barrier_and, 3};
    all[std::string(name) + ".red.popc.u32"] = {barrier_count, 3};
  }
}

const Operations& operations() {
  static const Operations all = [] {
    Operations out;
    add_integer_operations(out);
    add_bit_operations(out);
    add_float_operations(out);
    add_conversions(out);
    add_memory_operations(out);
    add_atomic_operations(out);
    add_block_operations(out);
    add_warp_operations(out);
    return out;
  }();
  return all;
}

}  // namespace dmoe::ptx
