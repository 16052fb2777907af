#include "engine/cpu.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "core/status.hpp"
#include "engine/host.hpp"
#include "engine/kernel_table.hpp"

namespace dmoe::test {
namespace {

class Isa : public testing::Test {
 protected:
  void SetUp() override {
    const char* value = std::getenv("DYNAMIC_MOE_ISA");
    had_ = value != nullptr;
    if (had_) old_ = value;
  }
  void TearDown() override {
    if (had_)
      setenv("DYNAMIC_MOE_ISA", old_.c_str(), 1);
    else
      unsetenv("DYNAMIC_MOE_ISA");
  }
  static std::string failure(int32_t requested, dmoe_status expected) {
    try {
      resolve_isa(requested);
    } catch (const Status& status) {
      EXPECT_EQ(status.code(), expected);
      return status.what();
    }
    return "";
  }

 private:
  bool had_ = false;
  std::string old_;
};

TEST_F(Isa, Resolve_WhenTheEnvironmentNamesALevel_UsesIt) {
  setenv("DYNAMIC_MOE_ISA", "scalar", 1);
  EXPECT_EQ(resolve_isa(DMOE_ISA_AUTO), DMOE_ISA_SCALAR);
  EXPECT_STREQ(isa_reason(), "scalar, because DYNAMIC_MOE_ISA says so");
  setenv("DYNAMIC_MOE_ISA", "auto", 1);
  EXPECT_EQ(resolve_isa(DMOE_ISA_AUTO), cpu_info().best);
  setenv("DYNAMIC_MOE_ISA", "", 1);
  EXPECT_EQ(resolve_isa(DMOE_ISA_AUTO), cpu_info().best);
}

TEST_F(Isa, Resolve_WhenTheEnvironmentNamesNoLevel_RefusesAndListsThem) {
  setenv("DYNAMIC_MOE_ISA", "sse9", 1);
  EXPECT_EQ(
      failure(DMOE_ISA_AUTO, DMOE_E_BACKEND),
      "DYNAMIC_MOE_ISA is \"sse9\", must be auto, scalar, avx2, avx512, avx512vnni, avx512bf16 or neon");
}

TEST_F(Isa, Resolve_WhenTheLevelDoesNotRunHere_Refuses) {
  int refused = 0;
  for (int isa = DMOE_ISA_SCALAR; isa <= DMOE_ISA_NEON; ++isa) {
    if (cpu_info().isa_supported & (1u << isa)) continue;
    const std::string level = isa_name(isa);
    EXPECT_EQ(failure(isa, DMOE_E_BACKEND).rfind("isa asks for " + level + ", which this processor (", 0),
              0u);
    setenv("DYNAMIC_MOE_ISA", level.c_str(), 1);
    EXPECT_EQ(
        failure(DMOE_ISA_AUTO, DMOE_E_BACKEND).rfind("DYNAMIC_MOE_ISA asks for " + level + ", which", 0), 0u);
    ++refused;
  }
  EXPECT_GT(refused, 0) << "no processor has both AVX2 and NEON";
  EXPECT_EQ(failure(7, DMOE_E_OPTIONS), "isa is 7, must be within 0..6");
  EXPECT_EQ(failure(-1, DMOE_E_OPTIONS), "isa is -1, must be within 0..6");
}

// The best level by another account than cpu.cpp's: the flags that Linux names.
std::string level_that_linux_names() {
#if defined(__aarch64__)
  return "neon";
#else
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && line.rfind("flags", 0) != 0) continue;
  line += ' ';
  const auto has = [&](const std::string& flags) {
    std::istringstream names(flags);
    for (std::string name; names >> name;)
      if (line.find(' ' + name + ' ') == std::string::npos) return false;
    return true;
  };
  if (!has("avx2 fma f16c")) return "scalar";
  if (!has("avx512f avx512bw avx512dq avx512vl")) return "avx2";
  if (!has("avx512_vnni")) return "avx512";
  return has("avx512_bf16") ? "avx512bf16" : "avx512vnni";
#endif
}

// DMOE_TEST_LEVEL is set by tests/native/isa/CMakeLists.txt, where the processor is emulated (Linux still
// names the real one's flags) or the level is forced.
TEST_F(Isa, Resolve_WhenAuto_IsTheBestLevelOfThisProcessorOrTheForcedOne) {
  const char* told = std::getenv("DMOE_TEST_LEVEL");
  const char* forced = std::getenv("DYNAMIC_MOE_ISA");
  const bool is_forced = forced != nullptr && *forced != '\0';
  const std::string expected = told != nullptr ? told : is_forced ? forced : level_that_linux_names();
  EXPECT_EQ(isa_name(resolve_isa(DMOE_ISA_AUTO)), expected);
}

TEST_F(Isa, Names_OfAllLevels_RoundTrip) {
  for (int isa = DMOE_ISA_AUTO; isa <= DMOE_ISA_NEON; ++isa) EXPECT_EQ(isa_from_name(isa_name(isa)), isa);
  EXPECT_STREQ(isa_name(99), "unknown");
  EXPECT_EQ(isa_from_name("AVX2"), -1);
}

TEST(KernelTable, Lists_ForEveryOperation_EndWithAPortableKernel) {
  int count = 0;
  const KernelInfo* kernels = all_kernels(&count);
  ASSERT_GT(count, 20);
  for (int i = 0; i < count; ++i) {
    bool portable = false;
    for (int j = 0; j < count; ++j)
      portable |= std::string(kernels[j].op) == kernels[i].op && kernels[j].isa == DMOE_ISA_SCALAR;
    EXPECT_TRUE(portable) << kernels[i].op;
  }
  for (int isa = DMOE_ISA_SCALAR; isa <= DMOE_ISA_NEON; ++isa) {
    const KernelTable& table = kernel_table(static_cast<dmoe_isa>(isa));
#define DMOE_OP(op) EXPECT_NE(table.op, nullptr) << #op;
#define DMOE_KERNEL(op, name, level)
#include "engine/kernels.inc"
#undef DMOE_OP
#undef DMOE_KERNEL
  }
}

TEST(KernelTable, Level_IncludesItselfAndWhatIsBelow) {
  EXPECT_TRUE(isa_includes(DMOE_ISA_AVX512BF16, DMOE_ISA_AVX2));
  EXPECT_TRUE(isa_includes(DMOE_ISA_NEON, DMOE_ISA_SCALAR));
  EXPECT_FALSE(isa_includes(DMOE_ISA_NEON, DMOE_ISA_AVX2));
  EXPECT_FALSE(isa_includes(DMOE_ISA_AVX2, DMOE_ISA_AVX512));
  EXPECT_FALSE(isa_includes(DMOE_ISA_AVX512BF16, DMOE_ISA_NEON));
}

class Cgroup : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("dmoe_cgroup_" + std::to_string(::getpid()));
    std::filesystem::create_directories(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  double quota(int* version) { return read_cgroup_quota((root_ / "self").c_str(), root_.c_str(), version); }

  std::filesystem::path root_;
};

TEST_F(Cgroup, Quota_OfVersion2_IsTheTightestOfAllAncestors) {
  write("self", "0::/a/b\n");
  write("a/b/cpu.max", "max 100000\n");
  write("a/cpu.max", "150000 100000\n");
  int version = -1;
  EXPECT_EQ(quota(&version), 1.5);
  EXPECT_EQ(version, 2);
  write("a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota(&version), 0.5);
}

TEST_F(Cgroup, Quota_WhenALineIsNotTwoNumbers_IsZero) {
  write("self", "0::/a\n");
  int version = -1;
  for (const char* line :
       {"", "max", "max 100000", "150000", "150000 ", "150000 0", "-1 100000", "x 100000"}) {
    write("a/cpu.max", std::string(line) + "\n");
    EXPECT_EQ(quota(&version), 0.0) << line;
  }
}

TEST_F(Cgroup, Quota_OfVersion1_ReadsTheCpuController) {
  write("self", "5:memory:/x\n4:cpu,cpuacct:/x\n0::/\n");
  write("cpu,cpuacct/x/cpu.cfs_quota_us", "200000\n");
  write("cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  int version = -1;
  EXPECT_EQ(quota(&version), 2.0);
  EXPECT_EQ(version, 1);
}

TEST_F(Cgroup, Quota_InsideAContainer_FallsBackToTheMountsRoot) {
  write("self", "4:cpu:/docker/abc\n");
  write("cpu/cpu.cfs_quota_us", "100000\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  int version = -1;
  EXPECT_EQ(quota(&version), 1.0);
}

TEST_F(Cgroup, Quota_WhereBothVersionsAreMounted_IsFoundUnderUnified) {
  write("self", "3:memory:/x\n0::/a\n");
  write("unified/a/cpu.max", "100000 100000\n");
  int version = -1;
  EXPECT_EQ(quota(&version), 1.0);
  EXPECT_EQ(version, 2);
}

TEST_F(Cgroup, Quota_OfVersion1BesideAMountedVersion2_IsFound) {
  write("self", "3:cpu,cpuacct:/x\n0::/a\n");
  write("cpu,cpuacct/x/cpu.cfs_quota_us", "150000\n");
  write("cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  write("unified/a/cgroup.procs", "");
  int version = -1;
  EXPECT_EQ(quota(&version), 1.5);
  EXPECT_EQ(version, 1);
}

TEST_F(Cgroup, Quota_WhenUnlimitedOrAbsent_IsZero) {
  int version = -1;
  EXPECT_EQ(quota(&version), 0.0);
  EXPECT_EQ(version, 0);
  write("self", "0::/\n");
  EXPECT_EQ(quota(&version), 0.0);
  EXPECT_EQ(version, 2);
  write("cpu.max", "max 100000\n");
  EXPECT_EQ(quota(&version), 0.0);
  write("self", "garbage\n::\n");
  EXPECT_EQ(quota(&version), 0.0);
}

TEST(SuitableThreads, OfAQuota_AreTheQuotaRoundedUp) {
  CpuInfo info;
  info.physical_cores = 4;
  const auto threads = [&](double quota) {
    info.cpu_quota = quota;
    return suitable_threads(info);
  };
  EXPECT_EQ(threads(0), 4);
  EXPECT_EQ(threads(0.5), 1);
  EXPECT_EQ(threads(1), 1);
  EXPECT_EQ(threads(1.5), 2);
  EXPECT_EQ(threads(4), 4);
  EXPECT_EQ(threads(16), 4);
}

}  // namespace
}  // namespace dmoe::test
