#include "cuda/runner.hpp"

#include <cstring>
#include <string>

#include "cuda/faults/planted.hpp"
#include "cuda/ptx/committed.hpp"
#include "cuda/ptx/run.hpp"
#include "cuda/sim/source_runner.hpp"

namespace dmoe::test {
namespace {

/** Another schedule for each launch; messages have its seed. */
class Seeds {
 public:
  explicit Seeds(bool random) : random_(random) {}
  uint32_t next() { return random_ ? ++launches_ : 0; }
  const char* name_of(const char* in_order, const char* at_random) const {
    return random_ ? at_random : in_order;
  }

 private:
  bool random_;
  uint32_t launches_ = 0;
};

class SourceRunner : public KernelRunner {
 public:
  explicit SourceRunner(bool random) : seeds_(random) {}
  const char* name() const override { return seeds_.name_of("source", "source at random"); }
  void launch(const char* entry, dim3 grid, dim3 block, size_t shared, const void* task,
              size_t bytes) override {
    sim::launch_source(sim::source_kernel(entry), grid, block, shared, task, bytes, seeds_.next());
  }

 private:
  Seeds seeds_;
};

class PtxRunner : public KernelRunner {
 public:
  const char* name() const override { return "ptx"; }
  void launch(const char* name, dim3 grid, dim3 block, size_t shared, const void* task,
              size_t bytes) override {
    const ptx::Entry& entry = ptx::committed_entry(name);
    if (bytes != entry.parameter_bytes) throw sim::LaunchError(std::string(name) + " takes another task");
    ptx::launch(entry, grid, block, shared, task, seeds_.next(), nullptr);
  }

 private:
  Seeds seeds_{true};
};

}  // namespace

const std::vector<KernelRunner*>& runners() {
  static SourceRunner in_order(false), at_random(true);
  static PtxRunner ptx;
  static const std::vector<KernelRunner*> all = [] {
    const Fault* fault = planted_fault();
    if (fault == nullptr) return std::vector<KernelRunner*>{&in_order, &at_random, &ptx};
    // The engine that has the fault; the others would only take time.
    if (std::strcmp(fault->file, "source") == 0) return std::vector<KernelRunner*>{&in_order, &at_random};
    return std::vector<KernelRunner*>{&ptx};
  }();
  return all;
}

}  // namespace dmoe::test
