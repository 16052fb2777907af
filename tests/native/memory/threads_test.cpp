// Threads that cannot be had for want of memory: the work is done by those that are there.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

#include "core/thread_pool.hpp"
#include "support/allocation_faults.hpp"

namespace dmoe::test {
namespace {

// Each round asks for one worker more than there are, and its thread's memory is refused; other tests of the
// process may have started some before.
TEST(OutOfMemoryForThreads, ParallelFor_WhenAThreadIsRefused_RunsOnThoseItHas) {
  int refused = 0;
  for (int threads = 2; threads <= 40 && refused == 0; ++threads) {
    set_pool_threads(threads);
    std::atomic<int64_t> sum{0};
    AllocationFault fault(1);
    parallel_for(100, threads, [&](int64_t i, int) { sum += i; });
    fault.end();
    EXPECT_EQ(sum.load(), 4950) << threads << " threads";
    if (!fault.fired()) continue;
    refused = threads;
    EXPECT_EQ(fault.held(), 0);
    // The next region gets the thread.
    AllocationFault none(0);
    parallel_for(100, threads, [&](int64_t i, int) { sum += i; });
    none.end();
    EXPECT_EQ(sum.load(), 2 * 4950);
    EXPECT_GE(none.asked(), 1);
  }
  set_pool_threads(0);
  EXPECT_GE(refused, 2);
}

}  // namespace
}  // namespace dmoe::test
