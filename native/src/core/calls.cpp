#include "core/calls.hpp"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "core/processors.hpp"
#include "core/thread_pool.hpp"

namespace dmoe {
namespace {

// To put a call on another thread and to wake its own afterwards costs 5 to 15 us; where a quota leaves cores
// idle, three times that, since each wake-up wakes a core. A call of 40 us is interrupted once in a hundred
// times.
constexpr double kShortest = 40;
constexpr double kShortestUnderQuota = 200;
// Several of the kernel's slices.
constexpr double kLongest = 20'000;

// Of one core. Within a factor of two on today's processors, and no more is needed.
constexpr double kMemoryBytes = 10e3;  // per microsecond
constexpr double kCacheBytes = 50e3;
constexpr double kMultiplyAdds = 50e3;

std::atomic<int> machine_cores{1};

// First come, first served, with one exception: to wake a thread of another processor costs more than one of
// the own, so a server prefers calls made on its processor. The oldest call is passed over this many times.
constexpr int kOvertakings = 2;
constexpr int kLooks = 32;  // calls that are looked at for that, at the head of the queue

// A call that waits; it lies on its thread's stack.
struct Call {
  void (*run)(void*);
  void* context;
  std::exception_ptr failure;
  Call* next = nullptr;
  int processor = 0;  // that it was made on
  int limit = thread_limit();
  int overtakings = 0;
  std::atomic<uint32_t> done{0};
};
static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == 4);

// The system call itself: std::atomic::wait spins first, on a core that the call waited for could use.
void sleep_until_done(Call& call) noexcept {
  while (call.done.load(std::memory_order_acquire) == 0)
    syscall(SYS_futex, &call.done, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
}

void finish(Call& call) noexcept {
  std::atomic<uint32_t>* const done = &call.done;
  done->store(1, std::memory_order_release);
  // The call may be gone. Whatever its memory is now, a wake-up there finds nobody, or one who looks again.
  syscall(SYS_futex, done, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

// Servers run the waiting calls, one after another. Threads that wake each other to pass the turn on would
// leave cores idle: the kernel may put the one that is woken behind another on a busy core, while the core of
// its predecessor stands still.
class Queue {
 public:
  bool enter();
  void leave();
  bool run_later(Call& call);
  CallCounts counts();

 private:
  bool start_servers(int wanted);
  void server_main();
  void serve(std::unique_lock<std::mutex>& lock);
  // All of the following with the mutex held.
  bool can_serve() const { return first_ != nullptr && running_ < call_slots(); }
  Call& take();
  void wake_server() {
    if (can_serve()) work_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable work_;
  Call* first_ = nullptr;
  Call* last_ = nullptr;
  int64_t waiting_ = 0;
  int running_ = 0;  // calls that have their turn
  int servers_ = 0;
};

// Never destroyed: servers may outlive static destruction while the process exits.
Queue& queue() {
  alignas(Queue) static std::byte memory[sizeof(Queue)];
  static Queue* const instance = new (memory) Queue;
  return *instance;
}

// @return whether the thread may run its call itself, then to leave(). Whoever comes while calls wait waits
// too: else a thread that calls again and again would keep its core.
bool Queue::enter() {
  std::lock_guard lock(mutex_);
  if (first_ != nullptr || running_ >= call_slots()) return false;
  ++running_;
  return true;
}

void Queue::leave() {
  std::lock_guard lock(mutex_);
  --running_;
  wake_server();
}

// Under the mutex. @return whether there is any server; the system may refuse threads.
bool Queue::start_servers(int wanted) {
  try {
    for (; servers_ < wanted; ++servers_) std::thread([this] { server_main(); }).detach();
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  return servers_ > 0;
}

// Sleeps until a server has run the call. @return false when there is none and the call has not been run
bool Queue::run_later(Call& call) {
  {
    std::lock_guard lock(mutex_);
    if (!start_servers(call_slots())) return false;
    call.processor = sched_getcpu();
    (first_ == nullptr ? first_ : last_->next) = &call;
    last_ = &call;
    ++waiting_;
    wake_server();
  }
  sleep_until_done(call);
  return true;
}

CallCounts Queue::counts() {
  std::lock_guard lock(mutex_);
  return {running_, waiting_};
}

// Takes the next call out of a queue that is not empty.
Call& Queue::take() {
  Call* chosen = first_;
  Call* before = nullptr;  // of the chosen one
  if (first_->overtakings < kOvertakings) {
    const int processor = sched_getcpu();
    Call* call = first_;
    Call* previous = nullptr;
    for (int look = 0; call != nullptr && look < kLooks; ++look, previous = call, call = call->next) {
      if (call->processor != processor) continue;
      if (call != first_) ++first_->overtakings;
      chosen = call;
      before = previous;
      break;
    }
  }
  (before == nullptr ? first_ : before->next) = chosen->next;
  if (last_ == chosen) last_ = before;
  --waiting_;
  return *chosen;
}

void Queue::server_main() {
  // Not only where the caller may run that started it.
  ProcessorMask::of_process().bind_this_thread();
  std::unique_lock lock(mutex_);
  for (;;) {
    serve(lock);
    work_.wait(lock);
  }
}

void Queue::serve(std::unique_lock<std::mutex>& lock) {
  if (!can_serve()) return;
  // From the first call to the last one: the pool's workers would take a gap between two calls for a free
  // core.
  const CountedCaller caller;
  ++running_;
  while (first_ != nullptr && running_ <= call_slots()) {
    Call& call = take();
    wake_server();  // there may be more slots than before
    lock.unlock();
    set_thread_limit(call.limit);
    try {
      call.run(call.context);
    } catch (...) {
      call.failure = std::current_exception();
    }
    finish(call);
    lock.lock();
  }
  --running_;
}

}  // namespace

void set_call_cores(int cores) noexcept { machine_cores.store(cores, std::memory_order_relaxed); }

void in_turn(double microseconds, void (*run)(void*), void* context) {
  const bool some_idle = call_slots() < machine_cores.load(std::memory_order_relaxed);
  const double shortest = some_idle ? kShortestUnderQuota : kShortest;
  if (microseconds < shortest || microseconds >= kLongest || CountedCaller::exists()) {
    CountedCaller caller;
    return run(context);
  }
  Queue& q = queue();
  if (q.enter()) {
    struct Turn {
      Queue& queue;
      CountedCaller caller;
      ~Turn() { queue.leave(); }
    } const turn{q, {}};
    return run(context);
  }
  Call call{run, context, nullptr};
  if (!q.run_later(call)) {
    CountedCaller caller;
    return run(context);
  }
  if (call.failure) std::rethrow_exception(std::move(call.failure));
}

double call_microseconds(double weight_bytes, bool from_memory, double multiply_adds) noexcept {
  return std::max(weight_bytes / (from_memory ? kMemoryBytes : kCacheBytes), multiply_adds / kMultiplyAdds);
}

CallCounts call_counts() noexcept { return queue().counts(); }

}  // namespace dmoe
