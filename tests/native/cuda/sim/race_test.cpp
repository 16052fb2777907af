// A barrier that is missing shows: by a wrong result under some schedule, and as a race under
// ThreadSanitizer.
#include <gtest/gtest.h>

#include <cstdlib>

#include "cuda/sim/language.hpp"

namespace dmoe::sim {
namespace {

constexpr unsigned kThreads = 64;

enum class Between { kBarrier, kWarpBarrier, kShuffle, kNothing };
/** Every thread writes its place and reads that of its neighbour within its warp. */
struct Exchange {
  int shared[kThreads];
  int read[kThreads];
};
template <Between between>
void exchange(void* context) {
  auto& it = *static_cast<Exchange*>(context);
  const unsigned t = threadIdx.x, neighbour = t / kWarp * kWarp + (t + 1) % kWarp;
  it.shared[t] = static_cast<int>(t);
  if (between == Between::kBarrier) __syncthreads();
  if (between == Between::kWarpBarrier) __syncwarp();
  if (between == Between::kShuffle) __shfl_sync(0xffffffffu, 0, 0);
  it.read[t] = it.shared[neighbour];
}

/** Whether every thread read what its neighbour wrote. */
bool right(void (*body)(void*), uint32_t seed) {
  Exchange it;
  for (int& place : it.shared) place = -1;
  run({"exchange", 1, kThreads, seed, [](void*) {}, body, &it});
  for (unsigned t = 0; t < kThreads; ++t) {
    if (it.read[t] != static_cast<int>(t / kWarp * kWarp + (t + 1) % kWarp)) return false;
  }
  return true;
}

#if !defined(__SANITIZE_THREAD__)

TEST(CudaSchedules, WhenABarrierIsMissing_ResultsAreWrong) {
  for (const uint32_t seed : {0u, 1u, 2u, 3u, 4u}) {
    EXPECT_TRUE(right(exchange<Between::kBarrier>, seed)) << seed;
    EXPECT_TRUE(right(exchange<Between::kWarpBarrier>, seed)) << seed;
    EXPECT_FALSE(right(exchange<Between::kNothing>, seed)) << seed;
  }
}

#else

/** Ends with 66 when ThreadSanitizer has found something. */
template <Between between>
[[noreturn]] void run_and_exit() {
  right(exchange<between>, 1);
  std::exit(0);
}

// A shuffle waits for the lanes of the warp but orders no memory: that the result is right here is luck.
TEST(CudaRaceCheckDeathTest, WhenABarrierIsMissing_ARaceIsReported) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run_and_exit<Between::kBarrier>(), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(run_and_exit<Between::kWarpBarrier>(), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(run_and_exit<Between::kShuffle>(), testing::ExitedWithCode(66), "data race");
  EXPECT_EXIT(run_and_exit<Between::kNothing>(), testing::ExitedWithCode(66), "data race");
}

#endif

}  // namespace
}  // namespace dmoe::sim
