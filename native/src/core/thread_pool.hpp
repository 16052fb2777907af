// The process-wide pool of native threads. Regions are index ranges claimed item by item; the caller works
// too.
#ifndef DYNAMICMOE_CORE_THREAD_POOL_HPP_
#define DYNAMICMOE_CORE_THREAD_POOL_HPP_

#include <cstdint>
#include <type_traits>

namespace dmoe {

/** One item of a region. Must not throw. @param worker 0..max_threads-1, unique among threads inside the
 * region; the caller is 0, so it can index scratch memory. */
using PoolTask = void (*)(void* context, int64_t item, int worker);

/** Threads that a region may use now, the caller included: what dmoe_runtime_set_threads set, else what suits
 * the machine. */
int pool_threads() noexcept;
/** Sets pool_threads(), 1..1024; 0 = what suits the machine. */
void set_pool_threads(int threads) noexcept;
/** Tells the pool what suits the machine (engine/cpu does, once); until then 1. */
void set_default_pool_threads(int threads) noexcept;

/** Items that a region of equal ones should have per thread: enough for an even finish, few enough that a
 * claim costs nothing. */
constexpr int64_t kUnitsPerThread = 12;

/** Calls that in_turn() lets run at a time: pool_threads(), or what suits the machine when that is more,
 * since who chose one thread per call still wants a call on every core. */
int call_slots() noexcept;

/** Counts the thread among the callers for the length of a scope; scopes within it count nothing. A region
 * takes no helpers while callers alone fill the machine. */
class CountedCaller {
 public:
  CountedCaller() noexcept;
  CountedCaller(const CountedCaller&) = delete;
  CountedCaller& operator=(const CountedCaller&) = delete;
  ~CountedCaller();
  /** @return whether this thread is in such a scope. */
  static bool exists() noexcept;
};

/** Most threads of regions that this thread starts; 0 = no limit of its own. */
int thread_limit() noexcept;
/** Sets thread_limit(). @return what it was */
int set_thread_limit(int threads) noexcept;

/** @return threads that a region asking for `wanted` (0 = all) can get: size per-worker scratch with it. */
int region_threads(int wanted) noexcept;

/** Runs task(context, i, worker) for i in 0..items-1, each once, in no particular order, on at most
 * max_threads threads
 *  (>= 1). Returns when all are done. Any number of threads may call at once; each makes progress by itself,
 * and takes no helpers when callers alone fill the machine. A task may not start a region of its own. */
void parallel_for(int64_t items, int max_threads, PoolTask task, void* context) noexcept;

/** The same for a callable body(item, worker), kept on the caller's stack. */
template <typename Body>
void parallel_for(int64_t items, int max_threads, Body&& body) noexcept {
  using Plain = std::remove_reference_t<Body>;
  parallel_for(
      items, max_threads,
      [](void* context, int64_t item, int worker) { (*static_cast<Plain*>(context))(item, worker); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_THREAD_POOL_HPP_
