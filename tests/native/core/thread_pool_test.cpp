#include "core/thread_pool.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "core/processors.hpp"

namespace dmoe {
namespace {

class ThreadPoolTest : public testing::Test {
 protected:
  void TearDown() override { set_pool_threads(0); }
};

TEST_F(ThreadPoolTest, ParallelFor_WhenRun_VisitsEachItemOnce) {
  for (int threads : {1, 2, 3, 8}) {
    set_pool_threads(threads);
    for (int64_t items : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(items));
      std::atomic<bool> worker_in_range{true};
      parallel_for(items, threads, [&](int64_t i, int worker) {
        visits[static_cast<size_t>(i)].fetch_add(1);
        if (worker < 0 || worker >= threads) worker_in_range = false;
      });
      for (auto& v : visits) EXPECT_EQ(v.load(), 1);
      EXPECT_TRUE(worker_in_range);
    }
  }
}

TEST_F(ThreadPoolTest, ParallelFor_WhenManyCallersRun_AllFinish) {
  set_pool_threads(4);
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 8; ++c)
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        int64_t own[16] = {};
        parallel_for(16, 4, [&](int64_t i, int) { own[i] = i; });
        for (int64_t v : own) sum += v;
      }
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(sum.load(), int64_t{8} * 200 * 120);
}

TEST_F(ThreadPoolTest, ParallelFor_WhenWorkersSleep_WakesThem) {
  set_pool_threads(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> arrived{0};
    // Each item waits for the other, so both threads must take part.
    parallel_for(2, 2, [&](int64_t, int) {
      ++arrived;
      while (arrived.load() < 2) std::this_thread::yield();
    });
    EXPECT_EQ(arrived.load(), 2);
  }
}

// Plain memory per worker: a worker number given to two threads at once is a data race, which TSan reports.
TEST_F(ThreadPoolTest, ParallelFor_WhenWorkersHaveScratch_NeverSharesIt) {
  set_pool_threads(4);
  std::vector<std::thread> callers;
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([] {
      for (int round = 0; round < 100; ++round) {
        int64_t scratch[4] = {};
        parallel_for(50, 4, [&](int64_t i, int worker) { scratch[worker] += i; });
        EXPECT_EQ(scratch[0] + scratch[1] + scratch[2] + scratch[3], 50 * 49 / 2);
      }
    });
  for (auto& caller : callers) caller.join();
}

TEST_F(ThreadPoolTest, ParallelFor_WhenThePoolIsResized_StaysRight) {
  std::atomic<bool> stop{false};
  std::thread resizer([&] {
    for (int threads = 1; !stop; threads = threads % 5 + 1) {
      set_pool_threads(threads);
      std::this_thread::yield();
    }
  });
  for (int round = 0; round < 500; ++round) {
    std::atomic<int64_t> sum{0};
    parallel_for(20, 8, [&](int64_t i, int) { sum += i; });
    EXPECT_EQ(sum.load(), 190);
  }
  stop = true;
  resizer.join();
}

TEST_F(ThreadPoolTest, ParallelFor_WhenItsCallerIsBoundToOneProcessor_HasHelpersOnAllOfTheProcess) {
  constexpr int kThreads = 16;  // some are new, whatever tests ran before in this process
  set_pool_threads(kThreads);
  std::atomic<int> arrived{0}, elsewhere{0};
  std::thread bound([&] {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(sched_getcpu(), &own);
    ASSERT_EQ(sched_setaffinity(0, sizeof own, &own), 0);
    // Each item waits for the others, so that every thread has one.
    parallel_for(kThreads, kThreads, [&](int64_t, int worker) {
      ++arrived;
      while (arrived < kThreads) std::this_thread::yield();
      if (worker > 0 && !(ProcessorMask::of_this_thread() == ProcessorMask::of_process())) ++elsewhere;
    });
  });
  bound.join();
  EXPECT_EQ(elsewhere.load(), 0);
}

TEST_F(ThreadPoolTest, RegionThreads_OfAnyWish_StayWithinThePool) {
  set_pool_threads(3);
  EXPECT_EQ(pool_threads(), 3);
  EXPECT_EQ(region_threads(0), 3);
  EXPECT_EQ(region_threads(2), 2);
  EXPECT_EQ(region_threads(9), 3);
  set_pool_threads(0);
  EXPECT_GE(pool_threads(), 1);
}

TEST_F(ThreadPoolTest, RegionThreads_WhenTheThreadHasALimit_StayWithinIt) {
  set_pool_threads(4);
  EXPECT_EQ(set_thread_limit(2), 0);
  EXPECT_EQ(region_threads(0), 2);
  EXPECT_EQ(region_threads(1), 1);
  EXPECT_EQ(region_threads(9), 2);
  std::thread([] { EXPECT_EQ(region_threads(0), 4); }).join();
  EXPECT_EQ(set_thread_limit(7), 2);
  EXPECT_EQ(region_threads(0), 4);
  EXPECT_EQ(set_thread_limit(0), 7);
  EXPECT_EQ(region_threads(0), 4);
}

}  // namespace
}  // namespace dmoe
