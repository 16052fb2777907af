#include "engine/machine_limits.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <new>

#include "core/thread_pool.hpp"
#include "engine/cpu.hpp"
#include "engine/kernel_table.hpp"

namespace dmoe {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

double seconds_since(Clock::time_point start) { return Seconds(Clock::now() - start).count(); }

// Of the whole budget: three peaks take a quarter, six ways to read the rest.
constexpr double kPeakShare = 0.25 / 3;
constexpr double kReadShare = 0.75 / 6;
// Fewer passes could all meet the same interruption.
constexpr int kLeastPasses = 4;
// Long beside the microseconds in which a region starts and ends, short beside a scheduler's time slice.
constexpr double kPeakPassSeconds = 2e-3;

// Runs pass() until the seconds are over, at least kLeastPasses times. @return the highest rate of one pass,
// where pass() returns the work that it did
template <typename Pass>
double best_rate(double seconds, Pass&& pass) {
  double best = 0;
  const auto start = Clock::now();
  for (int passes = 0; passes < kLeastPasses || seconds_since(start) < seconds; ++passes) {
    const auto begin = Clock::now();
    const auto work = static_cast<double>(pass());
    best = std::max(best, work / seconds_since(begin));
  }
  return best;
}

// Numbers that use all bits: a multiplier that meets zeros draws less power and may run faster. The second
// right lane takes away what the first adds, so that sums stay where they are.
struct PeakNumbers {
  alignas(64) float left_f32[16];
  alignas(64) uint16_t left_bf16[32];
  alignas(64) uint8_t left_int8[64];
  float right_f32[2] = {1.37f, -1.37f};
  uint16_t right_bf16[4] = {0x3faf, 0x3f63, 0xbfaf, 0xbf63};
  int8_t right_int8[8] = {93, -71, 45, 118, -93, 71, -45, -118};

  PeakNumbers() {
    for (int i = 0; i < 16; ++i) left_f32[i] = 0.5f + 0.0173f * static_cast<float>(i);
    for (int i = 0; i < 32; ++i) left_bf16[i] = static_cast<uint16_t>(0x3f01 + 5 * i);
    for (int i = 0; i < 64; ++i) left_int8[i] = static_cast<uint8_t>(1 + (i * 37) % 127);
  }
};

// A peak kernel on `threads` threads at once. @return operations per second
template <class Left, class Right, class Sum>
double peak_rate(int64_t (*kernel)(const Peak<Left, Right, Sum>&), const Left* left, const Right* right,
                 int threads, double seconds) {
  const auto run = [&](int64_t rounds) {
    alignas(64) Sum sums[kPeakSums * 16] = {};
    return kernel({rounds, left, right, sums});
  };
  int64_t rounds = 256;
  for (double took = 0; took < kPeakPassSeconds;) {
    rounds *= 2;
    const auto begin = Clock::now();
    run(rounds);
    took = seconds_since(begin);
  }
  return best_rate(seconds, [&] {
    std::atomic<int64_t> operations{0};
    parallel_for(threads, threads, [&](int64_t, int) { operations.fetch_add(run(rounds)); });
    return operations.load();
  });
}

constexpr int64_t kHugePage = kLimitsStep;

// Anonymous memory of one kind of page, filled with words that are not zero: a page never written to would be
// the kernel's one page of zeros.
class Memory {
 public:
  Memory(int64_t bytes, bool huge, int threads) : mapped_(static_cast<size_t>(bytes + kHugePage)) {
    start_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start_ == MAP_FAILED) throw std::bad_alloc();
    const auto address = reinterpret_cast<uintptr_t>(start_);
    data_ = static_cast<char*>(start_) + (kHugePage - address % kHugePage) % kHugePage;
    // Advice only: a system without huge pages gives small ones, and the figures are then alike.
    madvise(data_, static_cast<size_t>(bytes), huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    parallel_for(bytes / kHugePage, threads, [&](int64_t page, int) {
      auto* words = reinterpret_cast<uint64_t*>(data_ + page * kHugePage);
      for (int64_t i = 0; i < kHugePage / 8; ++i)
        words[i] = (static_cast<uint64_t>(page * kHugePage + i) * 0x9e3779b97f4a7c15u) | 1;
    });
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(start_, mapped_); }

  const char* data() const { return data_; }

 private:
  size_t mapped_;
  void* start_;
  char* data_;
};

// @return bytes per second
double read_rate(read_streams_kernel* kernel, const Memory& memory, int64_t bytes, int streams, int threads,
                 double seconds) {
  // A few parts for each thread, so that one which is late or slow does not leave the others without work.
  const int64_t parts = int64_t{4} * threads;
  const int64_t lines = bytes / 64;
  std::atomic<uint64_t> sink{0};
  bool prefetch = false;
  const double best = best_rate(seconds, [&] {
    // Passes without software prefetch and with it take turns: which is faster depends on the processor. What
    // is asked for ahead is about what one thread has in flight.
    const int64_t ahead = prefetch ? 4096 / streams : 0;
    prefetch = !prefetch;
    parallel_for(parts, threads, [&](int64_t part, int) {
      const int64_t begin = lines * part / parts, end = lines * (part + 1) / parts;
      sink.fetch_xor(kernel({memory.data() + begin * 64, (end - begin) * 64, streams, ahead}));
    });
    return bytes;
  });
  return best;
}

void measure_peaks(const KernelTable& kernels, double seconds, dmoe_machine_limits* limits) {
  const PeakNumbers n;
  limits->f32_flops = peak_rate(kernels.peak_f32, n.left_f32, n.right_f32, limits->threads, seconds);
  limits->bf16_flops = peak_rate(kernels.peak_bf16, n.left_bf16, n.right_bf16, limits->threads, seconds);
  limits->int8_ops = peak_rate(kernels.peak_int8, n.left_int8, n.right_int8, limits->threads, seconds);
}

void measure_reads(const KernelTable& kernels, double seconds, int64_t bytes, dmoe_machine_limits* limits) {
  struct Way {
    int streams;
    double dmoe_machine_limits::*figure;
  };
  constexpr Way kWays[2][3] = {{{1, &dmoe_machine_limits::read_1_small},
                                {4, &dmoe_machine_limits::read_4_small},
                                {8, &dmoe_machine_limits::read_8_small}},
                               {{1, &dmoe_machine_limits::read_1_huge},
                                {4, &dmoe_machine_limits::read_4_huge},
                                {8, &dmoe_machine_limits::read_8_huge}}};
  for (int huge = 0; huge < 2; ++huge) {
    const Memory memory(bytes, huge != 0, limits->threads);
    for (const Way& way : kWays[huge]) {
      const double rate =
          read_rate(kernels.read_streams, memory, bytes, way.streams, limits->threads, seconds);
      limits->*way.figure = rate;
      if (rate <= limits->read_bytes) continue;
      limits->read_bytes = rate;
      limits->read_streams = way.streams;
      limits->read_huge_pages = huge;
    }
  }
}

}  // namespace

int64_t limits_read_bytes() {
  // At most an eighth of it can be left in the cache by the pass before.
  const int64_t wanted = std::clamp(8 * cpu_info().l3_bytes, int64_t{256} << 20, kMostLimitsBytes);
  return wanted / kHugePage * kHugePage;
}

dmoe_machine_limits measure_machine_limits(int32_t threads, dmoe_isa isa, int32_t milliseconds,
                                           int64_t bytes) {
  // Beside each other two calls would measure what the other one leaves.
  static std::mutex one_at_a_time;
  std::lock_guard lock(one_at_a_time);
  const KernelTable& kernels = kernel_table(isa);
  const double budget = static_cast<double>(milliseconds) * 1e-3;
  dmoe_machine_limits limits{};
  limits.struct_size = sizeof limits;
  limits.threads = region_threads(threads);
  measure_peaks(kernels, budget * kPeakShare, &limits);
  measure_reads(kernels, budget * kReadShare, bytes, &limits);
  return limits;
}

}  // namespace dmoe
