#include "core/calls.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/processors.hpp"
#include "core/thread_pool.hpp"
#include "engine/cpu.hpp"

namespace dmoe {
namespace {

// Microseconds on one core: calls that wait for their turn, and those that do not.
constexpr double kMedium = 1000;
constexpr double kShort = 1;
constexpr double kShortUnderQuota = 100;
constexpr double kLong = 1e6;

class CallsTest : public testing::Test {
 protected:
  void SetUp() override {
    cpu_info();
    machine_ = pool_threads();
    // A server's turn ends a moment after the call that it has run.
    while (call_counts().running != 0) std::this_thread::yield();
  }
  void TearDown() override {
    set_default_pool_threads(machine_);
    set_pool_threads(0);
    set_call_cores(cpu_info().physical_cores);
  }
  void set_slots(int slots) {
    set_default_pool_threads(slots);
    set_pool_threads(slots);
  }

 private:
  int machine_ = 0;
};

// Calls that take a slot each until they are told to end.
class Occupied {
 public:
  explicit Occupied(int slots) {
    for (int s = 0; s < slots; ++s)
      threads_.emplace_back([this] {
        in_turn(kMedium, [this] {
          ++inside_;
          while (!end_) std::this_thread::yield();
        });
      });
    while (inside_ < slots) std::this_thread::yield();
  }
  void end() {
    end_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }
  ~Occupied() { end(); }

 private:
  std::vector<std::thread> threads_;
  std::atomic<int> inside_{0};
  std::atomic<bool> end_{false};
};

void await_waiting(int64_t calls) {
  while (call_counts().waiting != calls) std::this_thread::yield();
}

// Runs body(thread) on `count` threads.
template <typename Body>
void run_crowd(int count, Body&& body) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back([&, t] { body(t); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(call_counts().waiting, 0);
}

TEST_F(CallsTest, InTurn_WhenNobodyWaits_RunsOnTheCallingThread) {
  const auto self = std::this_thread::get_id();
  for (const double work : {kShort, kMedium, kLong}) {
    std::thread::id ran;
    in_turn(work, [&] {
      ran = std::this_thread::get_id();
      EXPECT_TRUE(CountedCaller::exists());
    });
    EXPECT_EQ(ran, self);
    EXPECT_FALSE(CountedCaller::exists());
  }
}

TEST_F(CallsTest, InTurn_WhenTheCallWaits_TakesTheLimitOfItsThreadAlong) {
  set_slots(1);
  Occupied slot(1);
  std::array<int, 2> limits{};
  std::vector<std::thread> threads;
  for (const int limit : {0, 1})
    threads.emplace_back([&limits, limit] {
      set_thread_limit(limit);
      in_turn(kMedium, [&] { limits[static_cast<size_t>(limit)] = thread_limit() + 10; });
    });
  await_waiting(2);
  slot.end();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(limits[0], 10);
  EXPECT_EQ(limits[1], 11);
}

// Processors that this process may use, the first and the last of them; one processor: twice the same.
std::array<int, 2> two_processors() {
  cpu_set_t set;
  EXPECT_EQ(sched_getaffinity(getpid(), sizeof set, &set), 0);
  std::array<int, 2> found{-1, -1};
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (!CPU_ISSET(processor, &set)) continue;
    if (found[0] < 0) found[0] = processor;
    found[1] = processor;
  }
  return found;
}

void bind_to(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  EXPECT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
}

// Makes calls one after another, on the given processors, while the server that is to run them is busy on its
// own one. @return the order in which they ran
std::vector<int> order_of(int server, const std::vector<int>& processors) {
  Occupied slot(1);
  std::vector<std::thread> threads;
  std::atomic<bool> bound{false}, go{false};
  threads.emplace_back([&] {
    in_turn(kMedium, [&] {
      bind_to(server);
      bound = true;
      while (!go) std::this_thread::yield();
    });
  });
  await_waiting(1);
  slot.end();
  while (!bound) std::this_thread::yield();
  std::vector<int> order;
  for (const int processor : processors) {
    const int number = static_cast<int>(threads.size()) - 1;
    threads.emplace_back([&, processor, number] {
      bind_to(processor);
      in_turn(kMedium, [&] {
        order.push_back(number);
        if (order.size() == processors.size()) ProcessorMask::of_process().bind_this_thread();
      });
    });
    await_waiting(number + 1);
  }
  EXPECT_TRUE(order.empty());
  go = true;
  for (auto& thread : threads) thread.join();
  return order;
}

TEST_F(CallsTest, InTurn_WhenCallsOfOneProcessorWait_RunsThemInTheOrderOfArrival) {
  set_slots(1);
  for (const int server : two_processors()) {
    for (const int processor : two_processors())
      EXPECT_EQ(order_of(server, std::vector<int>(6, processor)), (std::vector{0, 1, 2, 3, 4, 5}));
  }
}

TEST_F(CallsTest, InTurn_WhenCallsOfAnotherProcessorWait_PassesOverTheOldestTwice) {
  set_slots(1);
  const auto [first, last] = two_processors();
  for (const auto& [own, other] : {std::pair{first, last}, std::pair{last, first}}) {
    const std::vector<int> order = order_of(own, {other, own, own, own, own, own});
    EXPECT_EQ(order, first == last ? (std::vector{0, 1, 2, 3, 4, 5}) : (std::vector{1, 2, 0, 3, 4, 5}));
  }
}

TEST_F(CallsTest, InTurn_WhenItsCallerIsBoundToOneProcessor_IsServedOnAllOfTheProcess) {
  set_slots(1);
  Occupied slot(1);
  bool served_elsewhere = false, anywhere = false;
  std::thread caller([&] {
    bind_to(two_processors()[0]);
    const auto self = std::this_thread::get_id();
    in_turn(kMedium, [&] {
      served_elsewhere = std::this_thread::get_id() != self;
      anywhere = ProcessorMask::of_this_thread() == ProcessorMask::of_process();
    });
  });
  await_waiting(1);
  slot.end();
  caller.join();
  EXPECT_TRUE(served_elsewhere);
  EXPECT_TRUE(anywhere);
}

TEST_F(CallsTest, InTurn_WhenSlotsAreTaken_LetsShortAndLongCallsThrough) {
  set_slots(1);
  Occupied slot(1);
  int runs = 0;
  in_turn(kShort, [&] { ++runs; });
  in_turn(kLong, [&] { ++runs; });
  EXPECT_EQ(runs, 2);
}

// Where fewer calls run than there are cores, a wake-up wakes a core, and a call must be longer to be worth
// it. Logical processors beyond the cores do not count.
TEST_F(CallsTest, InTurn_WhenSlotsAreTaken_LetsCallsOf100MicrosecondsThroughUnderAQuotaOnly) {
  set_slots(1);
  set_call_cores(1);
  std::atomic<int> runs{0};
  {
    Occupied slot(1);
    std::thread caller([&] { in_turn(kShortUnderQuota, [&] { ++runs; }); });
    await_waiting(1);
    EXPECT_EQ(runs.load(), 0);
    slot.end();
    caller.join();
  }
  EXPECT_EQ(runs.load(), 1);
  set_call_cores(2);
  Occupied slot(1);
  in_turn(kShortUnderQuota, [&] { ++runs; });
  EXPECT_EQ(runs.load(), 2);
}

TEST_F(CallsTest, InTurn_WithinACall_HasItsTurnAlready) {
  set_slots(1);
  run_crowd(4, [](int) {
    for (int round = 0; round < 50; ++round) {
      bool inner = false;
      in_turn(kMedium, [&] { in_turn(kMedium, [&] { inner = true; }); });
      EXPECT_TRUE(inner);
    }
  });
}

TEST_F(CallsTest, InTurn_WhenCallersExceedSlots_RunsNoMoreThanTheSlots) {
  constexpr int kCallers = 12, kRounds = 200;
  for (const int slots : {1, 2, 3}) {
    set_slots(slots);
    std::atomic<int> running{0}, most{0};
    std::atomic<int64_t> calls{0};
    run_crowd(kCallers, [&](int) {
      for (int round = 0; round < kRounds; ++round) {
        in_turn(kMedium, [&] {
          const int now = running.fetch_add(1) + 1;
          for (int seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
          }
          ++calls;
          running.fetch_sub(1);
        });
      }
    });
    EXPECT_LE(most.load(), slots);
    EXPECT_EQ(calls.load(), kCallers * kRounds);
  }
}

// Plain memory, written by whichever thread runs the call and read by its caller: TSan reports a missing
// order.
TEST_F(CallsTest, InTurn_WhenAServerRunsTheCall_ItsWritesAreSeen) {
  set_slots(2);
  run_crowd(8, [](int thread) {
    for (int round = 0; round < 200; ++round) {
      int64_t items[32] = {};
      in_turn(kMedium, [&] { parallel_for(32, 4, [&](int64_t i, int) { items[i] = i * thread; }); });
      for (int64_t i = 0; i < 32; ++i) ASSERT_EQ(items[i], i * thread);
    }
  });
}

TEST_F(CallsTest, InTurn_WhenBodiesThrow_EachCallerGetsItsOwn) {
  set_slots(1);
  run_crowd(8, [](int thread) {
    const std::string own = "failure of thread " + std::to_string(thread);
    for (int round = 0; round < 100; ++round) {
      try {
        in_turn(kMedium, [&] {
          if (round % 2 == 0) throw std::runtime_error(own);
        });
        EXPECT_EQ(round % 2, 1);
      } catch (const std::runtime_error& failure) {
        EXPECT_EQ(failure.what(), own);
        EXPECT_EQ(round % 2, 0);
      }
    }
  });
}

TEST_F(CallsTest, InTurn_WhenTheSlotsChange_EveryCallEnds) {
  std::atomic<bool> stop{false};
  std::thread resizer([&] {
    for (int slots = 1; !stop; slots = slots % 5 + 1) {
      set_slots(slots);
      std::this_thread::yield();
    }
  });
  std::atomic<int64_t> calls{0};
  run_crowd(8, [&](int) {
    for (int round = 0; round < 200; ++round) in_turn(kMedium, [&] { ++calls; });
  });
  stop = true;
  resizer.join();
  EXPECT_EQ(calls.load(), 8 * 200);
}

TEST_F(CallsTest, InTurn_WhenOneCallerIsAlone_HasThePoolsHelp) {
  set_slots(2);
  std::atomic<int> arrived{0};
  in_turn(kMedium, [&] {
    // Each item waits for the other, so both threads must take part.
    parallel_for(2, 2, [&](int64_t, int) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
    });
  });
  EXPECT_EQ(arrived.load(), 2);
}

TEST_F(CallsTest, ParallelFor_WhenCallsTakeAllThreads_RunsOnItsCallerAlone) {
  set_slots(2);
  Occupied other(1);
  in_turn(kMedium, [&] {
    const auto self = std::this_thread::get_id();
    parallel_for(100, 2, [&](int64_t, int worker) {
      EXPECT_EQ(worker, 0);
      EXPECT_EQ(std::this_thread::get_id(), self);
    });
  });
}

TEST_F(CallsTest, CallSlots_WhenOneThreadPerCallIsChosen_AreAsManyAsSuitTheMachine) {
  set_default_pool_threads(3);
  EXPECT_EQ(call_slots(), 3);
  set_pool_threads(1);
  EXPECT_EQ(call_slots(), 3);
  set_pool_threads(5);
  EXPECT_EQ(call_slots(), 5);
}

TEST_F(CallsTest, CallMicroseconds_OfACall_AreTheLongerOfReadingAndMultiplying) {
  EXPECT_DOUBLE_EQ(call_microseconds(1e6, true, 0), 100);
  EXPECT_DOUBLE_EQ(call_microseconds(1e6, false, 0), 20);
  EXPECT_DOUBLE_EQ(call_microseconds(0, true, 1e6), 20);
  EXPECT_DOUBLE_EQ(call_microseconds(1e6, true, 1e6), 100);
}

}  // namespace
}  // namespace dmoe
