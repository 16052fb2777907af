#include "core/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/processors.hpp"

namespace dmoe {
namespace {

constexpr int kMostThreads = 1024;
constexpr std::size_t kLine = 64;
// A worker looks for work this long before it sleeps: longer than the gap between two regions of one layer
// call, shorter than a scheduler tick, so that an idle process costs nothing.
constexpr std::chrono::microseconds kSpin{60};
constexpr int kPausesPerLook = 32;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

std::atomic<int> chosen_threads{0};
std::atomic<int> default_threads{1};
std::atomic<int> callers{0};
constinit thread_local int caller_scopes = 0;
constinit thread_local int own_limit = 0;

// A region. It lies on its caller's stack; helpers enter and leave it under the pool's mutex only.
struct Region {
  PoolTask task;
  void* context;
  int64_t items;
  int helper_limit;
  int joined = 0;          // helpers that ever entered, under the mutex
  Region* next = nullptr;  // list of open regions, under the mutex
  Region* previous = nullptr;
  alignas(kLine) std::atomic<int64_t> claimed{0};
  alignas(kLine) std::atomic<int> inside{0};  // helpers now in it; the last one out stores 0 with release

  void work(int worker) {
    for (int64_t i; (i = claimed.fetch_add(1, std::memory_order_relaxed)) < items;) task(context, i, worker);
  }
  bool exhausted() const { return claimed.load(std::memory_order_relaxed) >= items; }
};

class Pool {
 public:
  void run(Region& region);
  int ensure_workers(int wanted);

 private:
  void worker_main();
  Region* enter(int* worker);
  void leave(Region* region);
  bool spin_for_work(uint64_t seen);

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  Region* first_ = nullptr;
  Region* last_ = nullptr;
  int workers_ = 0;                     // started, under the mutex
  std::atomic<int> started_{0};         // the same, readable without it
  int parked_ = 0;                      // under the mutex
  int waiting_ = 0;                     // callers asleep until helpers leave, under the mutex
  std::atomic<uint64_t> published_{0};  // regions ever opened, written under the mutex
};

// Never destroyed: workers may outlive static destruction while the process exits. In static memory, since a
// region that cannot have it cannot fail either.
Pool& pool() {
  alignas(Pool) static std::byte memory[sizeof(Pool)];
  static Pool* const instance = new (memory) Pool;
  return *instance;
}

int Pool::ensure_workers(int wanted) {
  if (started_.load(std::memory_order_acquire) >= wanted) return wanted;
  std::lock_guard lock(mutex_);
  while (workers_ < wanted) {
    try {
      std::thread([this] { worker_main(); }).detach();
    } catch (const std::system_error&) {
      break;  // the system refuses more threads; the callers do the work
    } catch (const std::bad_alloc&) {
      break;
    }
    ++workers_;
  }
  started_.store(workers_, std::memory_order_release);
  return std::min(wanted, workers_);
}

// Takes the oldest region that wants help and moves it to the end of the list, so that regions share the
// helpers.
Region* Pool::enter(int* worker) {
  for (Region* region = first_; region != nullptr; region = region->next) {
    if (region->joined >= region->helper_limit || region->exhausted()) continue;
    *worker = ++region->joined;
    region->inside.fetch_add(1, std::memory_order_relaxed);
    if (region != last_) {
      (region->previous ? region->previous->next : first_) = region->next;
      region->next->previous = region->previous;
      region->previous = last_;
      region->next = nullptr;
      last_->next = region;
      last_ = region;
    }
    return region;
  }
  return nullptr;
}

void Pool::leave(Region* region) {
  // After the store the region may be gone; only the pool's own members may be touched.
  if (region->inside.fetch_sub(1, std::memory_order_release) == 1 && waiting_ > 0) done_.notify_all();
}

// @return whether a region was opened since `seen`.
bool Pool::spin_for_work(uint64_t seen) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    // Callers alone fill the machine: a spinning worker would only take a core from one of them.
    if (callers.load(std::memory_order_relaxed) >= pool_threads()) return false;
    for (int i = 0; i < kPausesPerLook; ++i) {
      if (published_.load(std::memory_order_relaxed) != seen) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

void Pool::worker_main() {
  // Whoever needed help first may be bound to one processor; its helpers serve all callers.
  ProcessorMask::of_process().bind_this_thread();
  std::unique_lock lock(mutex_);
  bool spun = false;
  for (;;) {
    int worker = 0;
    if (Region* region = enter(&worker)) {
      lock.unlock();
      region->work(worker);
      lock.lock();
      leave(region);
      spun = false;
    } else if (!spun) {
      const uint64_t seen = published_.load(std::memory_order_relaxed);
      lock.unlock();
      spun = !spin_for_work(seen);
      lock.lock();
    } else {
      ++parked_;
      work_.wait(lock);
      --parked_;
      spun = false;
    }
  }
}

void Pool::run(Region& region) {
  {
    std::lock_guard lock(mutex_);
    region.previous = last_;
    (last_ ? last_->next : first_) = &region;
    last_ = &region;
    published_.fetch_add(1, std::memory_order_relaxed);
    for (int i = std::min(parked_, region.helper_limit); i > 0; --i) work_.notify_one();
  }
  region.work(0);
  {
    std::lock_guard lock(mutex_);
    (region.previous ? region.previous->next : first_) = region.next;
    (region.next ? region.next->previous : last_) = region.previous;
  }
  // No helper can enter any more; those inside finish their last item.
  const auto end = std::chrono::steady_clock::now() + kSpin;
  while (region.inside.load(std::memory_order_acquire) != 0) {
    relax();
    if (std::chrono::steady_clock::now() < end) continue;
    std::unique_lock lock(mutex_);
    ++waiting_;
    done_.wait(lock, [&] { return region.inside.load(std::memory_order_acquire) == 0; });
    --waiting_;
    break;
  }
  // A helper stores 0 under the mutex and may still hold it: the region's memory is no longer touched by
  // then.
}

}  // namespace

int pool_threads() noexcept {
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  return chosen > 0 ? chosen : default_threads.load(std::memory_order_relaxed);
}

void set_pool_threads(int threads) noexcept {
  chosen_threads.store(std::clamp(threads, 0, kMostThreads), std::memory_order_relaxed);
}

void set_default_pool_threads(int threads) noexcept {
  default_threads.store(std::clamp(threads, 1, kMostThreads), std::memory_order_relaxed);
}

int call_slots() noexcept {
  return std::max(pool_threads(), default_threads.load(std::memory_order_relaxed));
}

CountedCaller::CountedCaller() noexcept {
  if (caller_scopes++ == 0) callers.fetch_add(1, std::memory_order_relaxed);
}

CountedCaller::~CountedCaller() {
  if (--caller_scopes == 0) callers.fetch_sub(1, std::memory_order_relaxed);
}

bool CountedCaller::exists() noexcept { return caller_scopes > 0; }

int thread_limit() noexcept { return own_limit; }

int set_thread_limit(int threads) noexcept { return std::exchange(own_limit, threads); }

int region_threads(int wanted) noexcept {
  const int most = own_limit > 0 ? std::min(own_limit, pool_threads()) : pool_threads();
  return wanted <= 0 ? most : std::min(wanted, most);
}

void parallel_for(int64_t items, int max_threads, PoolTask task, void* context) noexcept {
  if (items <= 0) return;
  const int wanted = static_cast<int>(std::min<int64_t>(std::min(max_threads, pool_threads()), items));
  if (wanted <= 1) {
    for (int64_t i = 0; i < items; ++i) task(context, i, 0);
    return;
  }
  const CountedCaller caller;
  // What other callers do not use is free to help this one.
  int helpers = std::min(wanted - 1, pool_threads() - callers.load(std::memory_order_relaxed));
  if (helpers > 0) helpers = pool().ensure_workers(helpers);
  if (helpers > 0) {
    Region region{task, context, items, helpers};
    pool().run(region);
  } else {
    for (int64_t i = 0; i < items; ++i) task(context, i, 0);
  }
}

}  // namespace dmoe
