#include "cuda/sim/fiber.hpp"

#include <sys/mman.h>

#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
// This file is compiled without -fsanitize=thread; the build says whether the program has it.
#if defined(DMOE_SIM_TSAN)
#include <sanitizer/tsan_interface.h>
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}
#endif

namespace dmoe::sim {
namespace {

constexpr size_t kGuard = 4096;
#if defined(__SANITIZE_ADDRESS__) || defined(DMOE_SIM_TSAN)
constexpr size_t kStack = 256 << 10;
#else
constexpr size_t kStack = 64 << 10;
#endif
[[maybe_unused]] constexpr unsigned kNoSynchronisation = 1;

}  // namespace

struct Fiber::Scheduler {
  Context context;
  void* tsan;
  const void* asan_bottom;
  size_t asan_size;
};
Fiber::Scheduler Fiber::scheduler_;

#if defined(__x86_64__)
// Callee-saved registers stay on the stack that is left; nothing else survives a call.
extern "C" void dmoe_sim_switch(void** from, void* to);
asm(R"(
  .text
  .hidden dmoe_sim_switch
  .globl dmoe_sim_switch
  .type dmoe_sim_switch, @function
dmoe_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size dmoe_sim_switch, . - dmoe_sim_switch
)");
void Fiber::swap(Context& from, Context& to) { dmoe_sim_switch(&from, to); }
#else
void Fiber::swap(Context& from, Context& to) { swapcontext(&from, &to); }
#endif

Fiber::~Fiber() {
  abandon();
  if (stack_ != nullptr) munmap(stack_, kGuard + kStack);
}

void Fiber::abandon() {
#if defined(DMOE_SIM_TSAN)
  if (tsan_ == nullptr) return;
  // There and back, once as a synchronisation: what the fiber did comes before all that follows here.
  void* here = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_, kNoSynchronisation);
  __tsan_switch_to_fiber(here, 0);
  __tsan_destroy_fiber(tsan_);
  tsan_ = nullptr;
#endif
}

void Fiber::prepare(void (*entry)()) {
  if (stack_ == nullptr) {
    void* memory = mmap(nullptr, kGuard + kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    stack_ = static_cast<char*>(memory);
    mprotect(stack_, kGuard, PROT_NONE);
  }
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_ + kGuard, kStack);  // frames of an abandoned run
#endif
#if defined(DMOE_SIM_TSAN)
  if (tsan_ == nullptr) tsan_ = __tsan_create_fiber(0);
#endif
#if defined(__x86_64__)
  // Six registers, the address that `ret` takes, and a return address of 0: the stack is aligned as after a
  // call.
  void** top = reinterpret_cast<void**>(stack_ + kGuard + kStack) - 2;
  top[0] = reinterpret_cast<void*>(entry);
  top[1] = nullptr;
  context_ = top - 6;
#else
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_ + kGuard;
  context_.uc_stack.ss_size = kStack;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
#endif
}

void Fiber::enter() {
#if defined(DMOE_SIM_TSAN)
  scheduler_.tsan = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_, kNoSynchronisation);
#endif
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, stack_ + kGuard, kStack);
#endif
  swap(scheduler_.context, context_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void Fiber::arrived() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_.asan_bottom, &scheduler_.asan_size);
#endif
}

void Fiber::leave([[maybe_unused]] bool finished) {
#if defined(DMOE_SIM_TSAN)
  __tsan_switch_to_fiber(scheduler_.tsan, kNoSynchronisation);
#endif
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(finished ? nullptr : &fake, scheduler_.asan_bottom, scheduler_.asan_size);
#endif
  swap(context_, scheduler_.context);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, &scheduler_.asan_bottom, &scheduler_.asan_size);
#endif
}

void happens_before([[maybe_unused]] void* sync) {
#if defined(DMOE_SIM_TSAN)
  __tsan_release(sync);
#endif
}
void happens_after([[maybe_unused]] void* sync) {
#if defined(DMOE_SIM_TSAN)
  __tsan_acquire(sync);
#endif
}

}  // namespace dmoe::sim
