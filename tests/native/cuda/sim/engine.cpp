// Compiled without -fsanitize=thread: that the scheduler hands data from fiber to fiber is no business of the
// race check.
#include "cuda/sim/engine.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <vector>

#include "cuda/sim/async_copies.hpp"
#include "cuda/sim/fiber.hpp"
#include "cuda/sim/planted.hpp"

namespace dmoe::sim {

const Thread* running = nullptr;

namespace {

enum class State { kReady, kInBarrier, kInCollective, kReturned };

struct Worker {
  Fiber fiber;
  AsyncCopies copies;
  Thread thread;
  State state;
  Site site{"", 0};
  // Of a collective.
  unsigned mask;
  Combine combine;
  const void* in;
  void* out;
  // What ThreadSanitizer synchronises a warp's lanes on; two in turn, as a lane that leaves late must not see
  // the next arrivals.
  char sync[2];
  unsigned turn;
};

struct Block {
  std::unique_ptr<Worker[]> workers{new Worker[kMaxThreads]};
  const Launch* launch = nullptr;
  Worker* current = nullptr;
  unsigned threads = 0, returned = 0, waiting = 0;
  Votes votes{}, result{};
  Site barrier_site{"", 0};
  std::string error;
  char barrier_sync[2], start_sync, end_sync;
  unsigned barrier_turn = 0;
  Stats stats{};
};

std::mutex one_launch;  // the scheduler is one
Block block;

std::string place(Site site) {
  const std::string file = site.file;
  return file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(site.line);
}

void leave(Worker& worker, State state) {
  worker.state = state;
  worker.fiber.leave(state == State::kReturned);
}

void thread_main() {
  Fiber::arrived();
  happens_after(&block.start_sync);
  try {
    block.launch->body(block.launch->context);
  } catch (const std::exception& e) {
    if (block.error.empty()) block.error = e.what();
  }
  happens_before(&block.end_sync);
  ++block.returned;
  leave(*block.current, State::kReturned);
}

/** What each thread waits for, one entry per run of threads that wait for the same. */
std::string deadlock() {
  std::string text = "deadlock:";
  const Worker* last = nullptr;
  for (unsigned i = 0; i < block.threads; ++i) {
    const Worker& worker = block.workers[i];
    const bool same = last != nullptr && last->state == worker.state &&
                      (worker.state == State::kReturned ||
                       (last->site.line == worker.site.line &&
                        (worker.state == State::kInBarrier || last->mask == worker.mask)));
    if (!same) {
      text += " from thread " + std::to_string(i);
      if (worker.state == State::kReturned) text += " returned;";
      if (worker.state == State::kInBarrier) text += " in __syncthreads at " + place(worker.site) + ";";
      if (worker.state == State::kInCollective) {
        char mask[16];
        std::snprintf(mask, sizeof mask, "0x%08x", worker.mask);
        text += " in a warp operation at " + place(worker.site) + " with mask " + mask + ";";
      }
    }
    last = &worker;
  }
  return text;
}

void prepare(const uint3& index) {
  const Launch& launch = *block.launch;
  block.returned = block.waiting = 0;
  for (unsigned i = 0; i < block.threads; ++i) {
    Worker& worker = block.workers[i];
    worker.thread.thread = {i % launch.block.x, i / launch.block.x % launch.block.y,
                            i / (launch.block.x * launch.block.y)};
    worker.thread.block = index;
    worker.thread.threads = launch.block;
    worker.thread.blocks = launch.grid;
    worker.thread.linear = i;
    worker.thread.copies = &worker.copies;
    worker.copies.clear();
    worker.state = State::kReady;
    worker.fiber.prepare(thread_main);
  }
}

void enter(Worker& worker) {
  block.current = &worker;
  running = &worker.thread;
  ++block.stats.switches;
  worker.fiber.enter();
}

/** Threads in the order in which they may run. Ahead: warp by warp, so that the first of them runs as far as
 * it can; a warp goes no faster than its last lane. */
void shuffle(std::vector<unsigned>& order, bool ahead, std::mt19937& random) {
  std::shuffle(order.begin(), order.end(), random);
  if (!ahead) return;
  std::vector<unsigned> rank((order.size() + kWarp - 1) / kWarp);
  std::iota(rank.begin(), rank.end(), 0u);
  std::shuffle(rank.begin(), rank.end(), random);
  std::stable_sort(order.begin(), order.end(),
                   [&](unsigned a, unsigned b) { return rank[a / kWarp] < rank[b / kWarp]; });
}

void run_block(const uint3& index, std::vector<unsigned>& order, std::mt19937& random) {
  const bool shuffled = block.launch->seed != 0, ahead = block.launch->seed % 2 == 1;
  prepare(index);
  block.launch->begin_block(block.launch->context);
  happens_before(&block.start_sync);
  if (shuffled) shuffle(order, ahead, random);
  while (block.returned < block.threads && block.error.empty()) {
    if (shuffled && !ahead) shuffle(order, ahead, random);
    bool progress = false;
    for (const unsigned i : order) {
      if (block.workers[i].state != State::kReady) continue;
      progress = true;
      enter(block.workers[i]);
      if (!block.error.empty() || ahead) break;
    }
    if (!progress) block.error = deadlock();
  }
  happens_after(&block.end_sync);
  ++block.stats.blocks;
}

void check(const Launch& launch) {
  const dim3 &grid = launch.grid, &size = launch.block;
  const uint64_t threads = uint64_t{size.x} * size.y * size.z;
  if (threads == 0 || threads > kMaxThreads || size.z > 64 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
      grid.x > 0x7fffffffu || grid.y > 0xffff || grid.z > 0xffff) {
    throw LaunchError(std::string(launch.entry) + ": a grid or block of this size cannot be launched");
  }
}

}  // namespace

void run(const Launch& launch) {
  check(launch);
  const std::lock_guard<std::mutex> lock(one_launch);
  block.launch = &launch;
  block.threads = launch.block.x * launch.block.y * launch.block.z;
  block.error.clear();
  std::mt19937 random(launch.seed);
  std::vector<unsigned> order(block.threads);
  std::iota(order.begin(), order.end(), 0u);
  const uint64_t blocks = uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  // Blocks at random too: a step that is prime to their number visits each once.
  uint64_t step = 1, at = 0;
  if (launch.seed != 0) {
    at = random() % blocks;
    do step = 1 + random() % blocks;
    while (std::gcd(step, blocks) != 1);
  }
  for (uint64_t i = 0; i < blocks && block.error.empty(); ++i, at = (at + step) % blocks) {
    const uint3 index{static_cast<unsigned>(at % launch.grid.x),
                      static_cast<unsigned>(at / launch.grid.x % launch.grid.y),
                      static_cast<unsigned>(at / launch.grid.x / launch.grid.y)};
    run_block(index, order, random);
    if (!block.error.empty()) {
      for (unsigned t = 0; t < block.threads; ++t) block.workers[t].fiber.abandon();
      block.error = std::string(launch.entry) + ", block (" + std::to_string(index.x) + ", " +
                    std::to_string(index.y) + ", " + std::to_string(index.z) + "), seed " +
                    std::to_string(launch.seed) + ": " + block.error;
    }
  }
  running = nullptr;
  if (!block.error.empty()) throw LaunchError(block.error);
}

void fail(Site site, const std::string& what) {
  throw LaunchError("thread " + std::to_string(running->linear) + " at " + place(site) + ": " + what);
}

Votes barrier(int predicate, Site site) {
  if (planted("barrier", site)) return {predicate != 0, predicate != 0, predicate != 0};
  Worker& worker = *block.current;
  worker.site = site;
  char* sync = &block.barrier_sync[block.barrier_turn % 2];
  happens_before(sync);
  if (block.waiting == 0) {
    block.votes = {0, 1, 0};
    block.barrier_site = site;
  } else if (block.barrier_site.line != site.line) {
    fail(site, "divergent barrier: others of the block are in that at " + place(block.barrier_site));
  }
  block.votes.any |= predicate != 0;
  block.votes.all &= predicate != 0;
  block.votes.count += predicate != 0;
  ++block.stats.barriers;
  if (++block.waiting == block.threads) {
    block.waiting = 0;
    ++block.barrier_turn;
    block.result = block.votes;
    for (unsigned i = 0; i < block.threads; ++i) block.workers[i].state = State::kReady;
  } else {
    leave(worker, State::kInBarrier);
  }
  happens_after(sync);
  return block.result;
}

void collective(unsigned mask, Combine combine, const void* in, void* out, bool ordered, Site site) {
  if (ordered && planted("syncwarp", site)) return;
  Worker& worker = *block.current;
  const unsigned lane = worker.thread.linear % kWarp, first = worker.thread.linear - lane;
  if ((mask >> lane & 1) == 0) fail(site, "the calling lane is not in the mask of the warp operation");
  worker.mask = mask;
  worker.combine = combine;
  worker.in = in;
  worker.out = out;
  worker.site = site;
  worker.state = State::kInCollective;
  Worker* lanes = &block.workers[first];
  Worker& leader = lanes[__builtin_ctz(mask)];
  char* sync = &leader.sync[leader.turn % 2];
  if (ordered) happens_before(sync);
  bool all = true;
  for (unsigned i = 0; i < kWarp && all; ++i) {
    if ((mask >> i & 1) == 0) continue;
    if (first + i >= block.threads) fail(site, "the mask names a lane that does not exist");
    if (lanes[i].state == State::kReturned) fail(site, "the mask names a lane that has returned");
    all = lanes[i].state == State::kInCollective && lanes[i].combine == combine && lanes[i].mask == mask;
  }
  if (!all) {
    worker.fiber.leave(false);
  } else {
    const void* ins[kWarp] = {};
    void* outs[kWarp] = {};
    for (unsigned i = 0; i < kWarp; ++i) {
      if ((mask >> i & 1) == 0) continue;
      ins[i] = lanes[i].in;
      outs[i] = lanes[i].out;
      lanes[i].state = State::kReady;
    }
    combine(mask, ins, outs);
    ++block.stats.collectives;
    if (ordered) ++leader.turn;
  }
  if (ordered) happens_after(sync);
}

Stats stats() { return block.stats; }

}  // namespace dmoe::sim
