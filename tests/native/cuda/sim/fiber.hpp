// A fiber: a stack of its own that runs until it gives control back to the one scheduler. Not thread-safe:
// one scheduler at a time. Knows the sanitizers: AddressSanitizer is told of the stacks, ThreadSanitizer
// takes each fiber for a thread and no switch for a synchronisation, so that it finds races between fibers.
#ifndef DYNAMICMOE_TESTS_CUDA_SIM_FIBER_HPP_
#define DYNAMICMOE_TESTS_CUDA_SIM_FIBER_HPP_

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace dmoe::sim {

class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /** The next enter() calls `entry` on an empty stack; what ran there before is dropped. `entry` must end
   * with leave(true). */
  void prepare(void (*entry)());
  /** Scheduler: runs the fiber until it leaves. */
  void enter();
  /** Fiber: first call of its entry. */
  static void arrived();
  /** Fiber: back to the scheduler; with `finished` for good. */
  void leave(bool finished);
  /** Forgets what the sanitizer knows of calls that will not return. */
  void abandon();

 private:
#if defined(__x86_64__)
  using Context = void*;
#else
  using Context = ucontext_t;
#endif
  Context context_{};
  char* stack_ = nullptr;
  void* tsan_ = nullptr;

  struct Scheduler;
  static Scheduler scheduler_;
  static void swap(Context& from, Context& to);
};

/** ThreadSanitizer: what happened before a release of `sync` is visible after an acquire of it. Nothing
 * without it. */
void happens_before(void* sync);
void happens_after(void* sync);

}  // namespace dmoe::sim

#endif  // DYNAMICMOE_TESTS_CUDA_SIM_FIBER_HPP_
