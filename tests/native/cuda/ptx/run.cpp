#include "cuda/ptx/run.hpp"

#include <algorithm>
#include <vector>

#include "cuda/sim/engine.hpp"

namespace dmoe::ptx {
namespace {

/** Instructions of a thread; kernels of tests take far less. */
constexpr uint64_t kLongest = uint64_t{1} << 26;

/** What the threads of the block that runs have; it lies outside of the fibers, so that a launch that fails
 * leaves nothing. */
struct Memory {
  const Entry* entry;
  const void* parameters;
  GlobalMemory global;
  std::vector<unsigned char> shared;
  std::vector<uint64_t> registers;
  std::vector<unsigned char> local;
};

void begin_block(void* context) {
  auto& memory = *static_cast<Memory*>(context);
  std::fill(memory.shared.begin(), memory.shared.end(), static_cast<unsigned char>(0xff));
  std::fill(memory.local.begin(), memory.local.end(), static_cast<unsigned char>(0xff));
}

void start(Machine& machine) {
  const sim::Thread& ids = *sim::running;
  uint64_t* r = machine.registers;
  r[kTidX] = ids.thread.x;
  r[kTidY] = ids.thread.y;
  r[kTidZ] = ids.thread.z;
  r[kNtidX] = ids.threads.x;
  r[kNtidY] = ids.threads.y;
  r[kNtidZ] = ids.threads.z;
  r[kCtaidX] = ids.block.x;
  r[kCtaidY] = ids.block.y;
  r[kCtaidZ] = ids.block.z;
  r[kNctaidX] = ids.blocks.x;
  r[kNctaidY] = ids.blocks.y;
  r[kNctaidZ] = ids.blocks.z;
  r[kLaneId] = ids.linear % sim::kWarp;
}

void thread(void* context) {
  auto& memory = *static_cast<Memory*>(context);
  const Entry& entry = *memory.entry;
  const size_t linear = sim::running->linear;
  Machine machine{&entry,
                  memory.registers.data() + linear * entry.registers.size(),
                  0,
                  static_cast<const unsigned char*>(memory.parameters),
                  memory.shared.data(),
                  memory.shared.size(),
                  memory.local.data() + linear * entry.local,
                  memory.global};
  start(machine);
  const size_t end = entry.code.size();
  for (uint64_t count = 0; machine.next < end; ++count) {
    const Instruction& it = entry.code[machine.next++];
    if (count == kLongest) machine.fail(it, "a thread that does not end");
    if (it.predicate >= 0 && (machine.registers[it.predicate] != 0) == it.negated) continue;
    it.run(machine, it);
  }
}

}  // namespace

void launch(const Entry& entry, dim3 grid, dim3 block, size_t dynamic_shared, const void* parameters,
            uint32_t seed, GlobalMemory global) {
  const size_t threads = size_t{block.x} * block.y * block.z, shared = entry.static_shared + dynamic_shared;
  if (threads > entry.max_threads) throw sim::LaunchError(entry.name + ": more threads than .maxntid");
  if (entry.static_shared > (48 << 10) || shared > sim::kMaxShared) {
    throw sim::LaunchError(entry.name + ": more shared memory than a block can have");
  }
  Memory memory{&entry,
                parameters,
                global,
                std::vector<unsigned char>(shared),
                std::vector<uint64_t>(threads * entry.registers.size()),
                std::vector<unsigned char>(threads * entry.local)};
  // Once for all blocks: constants stay, and a compiler's registers are written before they are read.
  for (size_t t = 0; t < threads; ++t) {
    std::copy(entry.registers.begin(), entry.registers.end(),
              memory.registers.begin() + static_cast<ptrdiff_t>(t * entry.registers.size()));
  }
  sim::run({entry.name.c_str(), grid, block, seed, begin_block, thread, &memory});
}

}  // namespace dmoe::ptx
