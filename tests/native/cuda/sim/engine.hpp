// Runs the blocks of a launch on the CPU, one after the other: a fiber per CUDA thread, which runs until it
// must wait for others. What cannot go on (divergent barrier, mask with a lane that never comes) ends the
// launch with a LaunchError, never with a hang.
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_ENGINE_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_ENGINE_HPP_

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <stdexcept>
#include <string>

#include "cuda/sim/types.hpp"

namespace dmoe::sim {

constexpr unsigned kWarp = 32;
constexpr unsigned kMaxThreads = 1024;
/** Of sm_80, static and dynamic together. */
constexpr size_t kMaxShared = 163 << 10;

/** A place in a kernel's source, or a line of its PTX. */
struct Site {
  constexpr Site(const char* file_, int line_) : file(file_), line(line_) {}
  constexpr Site(const std::source_location& at) : file(at.file_name()), line(static_cast<int>(at.line())) {}
  const char* file;
  int line;
};

/** Says entry, block, thread and line. */
class LaunchError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class AsyncCopies;

/** The CUDA thread that runs. */
struct Thread {
  uint3 thread, block;
  dim3 threads, blocks;  // blockDim, gridDim
  unsigned linear;       // within the block
  AsyncCopies* copies;
};
/** Null outside of a launch. */
extern const Thread* running;

struct Launch {
  const char* entry;  // for messages
  dim3 grid, block;
  /** 0: threads and blocks in order. Else a schedule at random: odd seeds let some warps run as far ahead
   * as they can. */
  uint32_t seed;
  /** Called before each block, in the scheduler's thread: fills shared memory with what a kernel must not
   * rely on. */
  void (*begin_block)(void* context);
  /** The kernel, called by each thread. */
  void (*body)(void* context);
  void* context;
};
void run(const Launch& launch);

/** Throws the LaunchError for the calling thread. */
[[noreturn]] void fail(Site site, const std::string& what);

struct Votes {
  int any, all, count;
};
/** __syncthreads. Every thread of the block must come to the same one: a thread that has returned is an
 * error. */
Votes barrier(int predicate, Site site);

/** Computes a warp operation for all lanes of the mask at once. Pointers of other lanes are null. */
using Combine = void (*)(unsigned mask, const void* const* in, void* const* out);
/** Waits until all lanes of the mask are in the same operation with the same mask. `ordered`: orders memory
 * as well, as
 *  __syncwarp does and the others do not. */
void collective(unsigned mask, Combine combine, const void* in, void* out, bool ordered, Site site);

struct Stats {
  uint64_t blocks, switches, barriers, collectives;
};
Stats stats();

}  // namespace dmoe::sim

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_ENGINE_HPP_
