#include <gtest/gtest.h>

#include <string>

#include "dynamicmoe/dynamicmoe.h"

namespace {

TEST(Library, StatusName_OfEachValue_IsItsEnumerator) {
  EXPECT_STREQ(dmoe_status_name(DMOE_OK), "DMOE_OK");
  EXPECT_STREQ(dmoe_status_name(DMOE_E_BALANCE), "DMOE_E_BALANCE");
  EXPECT_STREQ(dmoe_status_name(static_cast<dmoe_status>(1234)), "DMOE_E_UNKNOWN");
  EXPECT_EQ(dmoe_abi_version(), (1u << 16) | 3u);
}

TEST(Library, RuntimeQuery_OnAnyMachine_FillsEveryField) {
  dmoe_runtime_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(dmoe_runtime_query(&info), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(info.struct_size, sizeof info);
  EXPECT_EQ(info.abi_version, dmoe_abi_version());
  EXPECT_TRUE(info.isa_supported & (1 << info.isa));
  EXPECT_TRUE(info.isa_supported & (1 << DMOE_ISA_SCALAR));
  EXPECT_GE(info.logical_cpus, info.physical_cores);
  EXPECT_GE(info.physical_cores, 1);
  EXPECT_GE(info.pool_threads, 1);
  EXPECT_GE(info.cpu_quota, 0);
  EXPECT_NE(std::string(info.library_version), "");
  EXPECT_NE(std::string(info.isa_reason).find("because"), std::string::npos);
  EXPECT_EQ(std::string(info.cuda_reason).rfind("unavailable, because ", 0), 0u) << info.cuda_reason;
}

TEST(Library, RuntimeQuery_FromAnOlderCaller_WritesNothingBeyondItsStruct) {
  dmoe_runtime_info info{};
  info.struct_size = 12;
  info.logical_cpus = -5;
  ASSERT_EQ(dmoe_runtime_query(&info), DMOE_OK);
  EXPECT_GT(info.isa, 0);
  EXPECT_EQ(info.logical_cpus, -5);
  EXPECT_EQ(dmoe_runtime_query(nullptr), DMOE_E_ARGUMENT);
  EXPECT_STREQ(dmoe_last_error(), "runtime_query: info is NULL");
}

TEST(Library, SetThreads_WithinItsRange_ChangesThePool) {
  dmoe_runtime_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(dmoe_runtime_set_threads(3), DMOE_OK);
  ASSERT_EQ(dmoe_runtime_query(&info), DMOE_OK);
  EXPECT_EQ(info.pool_threads, 3);
  EXPECT_EQ(dmoe_runtime_set_threads(1025), DMOE_E_OPTIONS);
  EXPECT_STREQ(dmoe_last_error(), "runtime_set_threads: threads is 1025, must be within 0..1024");
  EXPECT_EQ(dmoe_runtime_set_threads(-1), DMOE_E_OPTIONS);
  ASSERT_EQ(dmoe_runtime_set_threads(0), DMOE_OK);
}

TEST(Library, ThreadLimit_WhenSet_HoldsUntilTheNext) {
  EXPECT_EQ(dmoe_thread_limit(2), 0);
  EXPECT_EQ(dmoe_thread_limit(-1), 2);
  EXPECT_EQ(dmoe_thread_limit(1025), 2);
  EXPECT_EQ(dmoe_thread_limit(1024), 2);
  EXPECT_EQ(dmoe_thread_limit(0), 1024);
}

}  // namespace
