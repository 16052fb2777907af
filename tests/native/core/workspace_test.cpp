#include "core/workspace.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <vector>

namespace dmoe {
namespace {

TEST(Workspace, Arena_WhenMeasured_TakesWhatItLaysOut) {
  Arena measure;
  EXPECT_EQ(measure.take<float>(3), nullptr);
  EXPECT_EQ(measure.take<int64_t>(9), nullptr);
  EXPECT_EQ(measure.used(), 64u + 128u);
  WorkspacePool pool;
  WorkspacePool::Lease lease(pool, measure.used());
  Arena arena = lease.arena();
  float* a = arena.take<float>(3);
  int64_t* b = arena.take<int64_t>(9);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<char*>(b) - reinterpret_cast<char*>(a), 64);
  EXPECT_THROW(arena.take<char>(1), std::bad_alloc);
}

TEST(Workspace, Arena_WhenSizesOverflow_Throws) {
  Arena measure;
  EXPECT_THROW(measure.take<double>(SIZE_MAX / 4), std::bad_alloc);
}

TEST(Workspace, Pool_WhenReused_AllocatesNothing) {
  WorkspacePool pool;
  { WorkspacePool::Lease warm(pool, 1000); }
  const int64_t before = allocation_count();
  for (int i = 0; i < 100; ++i) WorkspacePool::Lease lease(pool, 1000);
  EXPECT_EQ(allocation_count(), before);
  { WorkspacePool::Lease larger(pool, 2000); }
  EXPECT_EQ(allocation_count(), before + 1);
}

TEST(Workspace, Pool_WhenSizesVary_ReusesTheSmallestThatIsLargeEnough) {
  WorkspacePool pool;
  { WorkspacePool::Lease small(pool, 1000), large(pool, 100'000), middle(pool, 10'000); }
  const int64_t count = allocation_count(), bytes = allocated_bytes();
  { WorkspacePool::Lease first(pool, 500), second(pool, 500), third(pool, 50'000); }
  EXPECT_EQ(allocation_count(), count);
  // None is large enough: the largest gives way.
  { WorkspacePool::Lease larger(pool, 100'001); }
  EXPECT_EQ(allocation_count(), count + 1);
  EXPECT_LT(allocated_bytes(), bytes + 10'000);
}

TEST(Workspace, Pool_WhenMoreIsIdleThanIsKept_FreesWhatComesBack) {
  const int64_t before = allocated_bytes();
  WorkspacePool pool(10'000);
  { WorkspacePool::Lease a(pool, 6000), b(pool, 6000); }
  const int64_t kept = allocated_bytes() - before;
  EXPECT_GE(kept, 6000);
  EXPECT_LT(kept, 10'000);
  { WorkspacePool::Lease a(pool, 100'000); }
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(Workspace, Shared_WhenTheLastUserGoes_FreesWhatIsIdle) {
  const int64_t before = allocated_bytes();
  {
    const SharedWorkspaces one;
    {
      const SharedWorkspaces other;
      WorkspacePool::Lease lease(other.pool(), 5000);
    }
    const int64_t count = allocation_count();
    EXPECT_GE(allocated_bytes(), before + 5000);
    { WorkspacePool::Lease lease(one.pool(), 4000); }
    EXPECT_EQ(allocation_count(), count);
  }
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(Workspace, Pool_WhenCallersOverlap_HoldsOneBlockEachAndFreesAll) {
  const int64_t before = allocated_bytes();
  {
    WorkspacePool pool;
    std::vector<std::thread> callers;
    for (int c = 0; c < 4; ++c)
      callers.emplace_back([&pool, c] {
        for (int i = 0; i < 200; ++i) {
          WorkspacePool::Lease lease(pool, 4096);
          int* mine = lease.arena().take<int>(16);
          mine[0] = c;
          std::this_thread::yield();
          EXPECT_EQ(mine[0], c);
        }
      });
    for (auto& caller : callers) caller.join();
    EXPECT_GT(allocated_bytes(), before);
  }
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(Workspace, Figures_WhenBlocksAreUsed_CountThem) {
  WorkspacePool pool;
  EXPECT_EQ(pool.figures().blocks, 0);
  {
    WorkspacePool::Lease a(pool, 1000), b(pool, 1000);
    EXPECT_EQ(pool.figures().in_use, 2);
  }
  { WorkspacePool::Lease larger(pool, 2000); }
  const WorkspaceFigures figures = pool.figures();
  EXPECT_EQ(figures.blocks, 2);
  EXPECT_EQ(figures.in_use, 0);
  EXPECT_EQ(figures.most_in_use, 2);
  EXPECT_EQ(figures.leases, 3);
  EXPECT_EQ(figures.allocations, 3);  // the larger block took the place of a smaller one
  EXPECT_EQ(figures.bytes, 1000 + 2000 + 2 * 64);
}

TEST(Workspace, KeepIdle_WhateverIsThere_MakesOrFreesTheRest) {
  const int64_t before = allocated_bytes();
  {
    WorkspacePool pool;
    WorkspacePool::Lease used(pool, 512);
    pool.keep_idle(3, 512);
    EXPECT_EQ(pool.figures().blocks, 4);
    const int64_t made = allocation_count();
    { WorkspacePool::Lease a(pool, 512), b(pool, 512), c(pool, 512); }
    EXPECT_EQ(allocation_count(), made);
    pool.keep_idle(1, 512);
    EXPECT_EQ(pool.figures().blocks, 2);
    EXPECT_EQ(pool.figures().bytes, 2 * (512 + 64));
    pool.keep_idle(0, 512);
    EXPECT_EQ(pool.figures().blocks, 1);
  }
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(Workspace, KeepIdle_WhenMemoryIsRefused_LeavesWhatIsThere) {
  WorkspacePool pool;
  pool.keep_idle(1, 64);
  EXPECT_THROW(pool.keep_idle(2, SIZE_MAX / 2), std::bad_alloc);
  EXPECT_EQ(pool.figures().blocks, 1);
  EXPECT_THROW(WorkspacePool::Lease(pool, SIZE_MAX / 2), std::bad_alloc);
  EXPECT_EQ(pool.figures().in_use, 0);
}

}  // namespace
}  // namespace dmoe
