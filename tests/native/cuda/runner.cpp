#include "cuda/runner.hpp"

#include "cuda/sim/source_runner.hpp"

namespace dmoe::test {
namespace {

class SourceRunner : public KernelRunner {
 public:
  explicit SourceRunner(bool random) : random_(random) {}
  const char* name() const override { return random_ ? "source at random" : "source"; }
  void launch(const char* entry, dim3 grid, dim3 block, size_t shared, const void* task,
              size_t bytes) override {
    const uint32_t seed = random_ ? ++launches_ : 0;  // another schedule each time; messages have it
    sim::launch_source(sim::source_kernel(entry), grid, block, shared, task, bytes, seed);
  }

 private:
  bool random_;
  uint32_t launches_ = 0;
};

}  // namespace

const std::vector<KernelRunner*>& runners() {
  static SourceRunner in_order(false), at_random(true);
  static const std::vector<KernelRunner*> all{&in_order, &at_random};
  return all;
}

}  // namespace dmoe::test
