// Out of memory while the machine is looked at, which is the first thing that a process does: files and
// memory are given back, and the next attempt succeeds.
#include "engine/host.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <new>

#include "engine/cpu.hpp"
#include "support/allocation_faults.hpp"

namespace dmoe::test {
namespace {

int64_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

TEST(OutOfMemoryOnHost, ReadHost_WhateverAllocationFails_LeavesNothingOpen) {
  const int64_t open = open_files();
  int failures = 0;
  // Steps grow: a machine of many processors has the same few sites thousands of times.
  for (int64_t which = 1;; which += 1 + which / 64) {
    CpuInfo info;
    bool threw = false;
    AllocationFault fault(which);
    try {
      read_host(&info);
    } catch (const std::bad_alloc&) {
      threw = true;
    }
    fault.end();
    ASSERT_EQ(threw, fault.fired()) << "allocation " << which;
    EXPECT_EQ(fault.held(), 0) << "allocation " << which;
    if (!threw) {
      EXPECT_EQ(info.logical_cpus, cpu_info().logical_cpus);
      break;
    }
    ++failures;
  }
  EXPECT_GE(failures, 8);
  EXPECT_EQ(open_files(), open);
}

}  // namespace
}  // namespace dmoe::test
