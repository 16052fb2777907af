// Each fault of faults.inc, planted in a process of its own that runs the tests of the kernel: it must fail.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "cuda/faults/planted.hpp"
#include "cuda/ptx/committed.hpp"

namespace dmoe::test {
namespace {

/** Exit status of this program with these tests and, if there is one, the fault. */
int run_tests(const char* tests, const Fault* fault) {
  std::vector<std::string> settings;
  for (char** it = environ; *it != nullptr; ++it) settings.push_back(*it);
  if (fault != nullptr) {
    settings.push_back("DMOE_CUDA_FAULT=" + fault->name);
    if (std::strcmp(fault->file, "source") == 0)
      settings.push_back(std::string("DMOE_CUDA_SOURCE_FAULT=") + fault->from);
  }
  std::vector<std::string> words{"/proc/self/exe", std::string("--gtest_filter=") + tests,
                                 "--gtest_fail_fast", "--gtest_throw_on_failure"};
  const auto pointers = [](std::vector<std::string>& all) {
    std::vector<char*> out;
    for (std::string& it : all) out.push_back(it.data());
    out.push_back(nullptr);
    return out;
  };
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int spawned = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, pointers(words).data(),
                                  pointers(settings).data());
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (spawned != 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// A fault is seen in results as soon as by a sanitizer, which takes ten times as long: some will do there.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr size_t kEach = 16;
#else
constexpr size_t kEach = 1;
#endif

TEST(CudaFaults, WhenPlanted_MakeATestFail) {
  for (size_t i = 0; i < all_faults().size(); i += kEach) {
    const Fault& fault = all_faults()[i];
    if (std::strcmp(fault.file, "source") != 0) {
      const std::string text = ptx::committed_text(fault.file);
      if (fault.places != 0) EXPECT_EQ(places_of(text, fault), fault.places) << fault.name;
      const std::string changed = with_fault(text, fault);
      EXPECT_FALSE(changed.empty()) << fault.name << ": " << fault.file << ".ptx has no such place";
      if (changed.empty()) continue;
      EXPECT_NO_THROW(ptx::parse(changed)) << fault.name << ": a fault must be PTX";
    }
    const int status = run_tests(fault.tests, &fault);
    EXPECT_NE(status, 0) << fault.name << ": no test of " << fault.tests << " sees it";
    EXPECT_NE(status, -1) << fault.name << ": cannot start";
  }
}

// A filter that names no test would end well, and a test that fails in any case would see every fault.
TEST(CudaFaults, WhenNoneIsPlanted_TheTestsPass) {
  EXPECT_EQ(run_tests("CudaNorm.*:CudaRound.*:CudaSharedGate.*", nullptr), 0);
}

}  // namespace
}  // namespace dmoe::test
