// Experts as the device has them and as the double-precision reference sees them, and one product on a
// runner.
#ifndef DYNAMICMOE_TESTS_CUDA_KERNELS_EXPERTS_FIXTURE_HPP_
#define DYNAMICMOE_TESTS_CUDA_KERNELS_EXPERTS_FIXTURE_HPP_

#include <cstdint>
#include <string>
#include <vector>

#include "core/memory.hpp"
#include "cuda/runner.hpp"
#include "engine/experts.hpp"
#include "kernels/launch_experts.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {

using cuda::ExpertsSide;
using cuda::ExpertsTile;

/** Sanitizers slow the engines down by an order of magnitude: the tests then leave out what repeats a
 * structure with other sizes. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kFewSizes = true;
#else
inline constexpr bool kFewSizes = false;
#endif

inline constexpr int32_t kFormats[] = {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4};
inline constexpr ExpertsTile kTileSizes[] = {ExpertsTile::kSmallBatch, ExpertsTile::k64, ExpertsTile::k128};

struct ExpertsSpec {
  int32_t format = DMOE_FORMAT_BF16;
  int32_t kind = DMOE_EXPERT_SWIGLU;
  int32_t hidden = 32;
  int32_t width = 32;
  int32_t experts = 1;
  bool bias = false;
  float scale = 0;     // of the weights; 0 = 1 / sqrt(K), which keeps sums near 1
  float constant = 0;  // all weights, unless 0
};

/** Which rows each expert takes, as plan.cu has it. */
struct ExpertRows {
  int32_t tokens = 0;
  std::vector<int32_t> offsets;  // empty: shared experts, every one takes all tokens
  std::vector<int32_t> token_of;
  int64_t total = 0;

  /** counts[e] rows for expert e, of random tokens. */
  static ExpertRows of(const std::vector<int32_t>& counts, int32_t tokens, Random& random);
  static ExpertRows shared(int32_t experts, int32_t tokens);
  int64_t first(int32_t expert) const;
  int32_t token(int64_t row) const;
  int32_t expert(int64_t row) const;
};

/** Rows of float, in memory as the kernels take them: bfloat16 for all formats but f32. What lies between
 * rows is NaN. */
struct DeviceRows {
  int64_t rows = 0, columns = 0, stride = 0;
  bool halves = false;
  Buffer<float> floats;
  Buffer<uint16_t> bf16;

  DeviceRows() = default;
  /** Room for rows, all NaN. `unaligned`: a stride that suits no vector (f32 only). */
  DeviceRows(int64_t rows, int64_t columns, bool halves, bool unaligned = false);
  /** Values, rounded. */
  DeviceRows(const std::vector<float>& values, int64_t columns, bool halves, bool unaligned = false);
  const void* data() const { return halves ? static_cast<const void*>(bf16.data()) : floats.data(); }
  void* data() { return halves ? static_cast<void*>(bf16.data()) : floats.data(); }
  float at(int64_t row, int64_t column) const;
  std::vector<float> row(int64_t row) const;
  /** Every element, what lies between and after the rows included: equal results are equal here. */
  std::vector<float> all() const;
};

class ExpertsFixture {
 public:
  explicit ExpertsFixture(const ExpertsSpec& spec, uint64_t seed = 1);

  const ExpertsSpec& spec() const { return spec_; }
  const Experts& experts() const { return experts_; }
  bool halves() const { return spec_.format != DMOE_FORMAT_F32; }

  DeviceRows inputs(const std::vector<float>& values, bool unaligned = false) const {
    return {values, spec_.hidden, halves(), unaligned};
  }
  DeviceRows inputs(int32_t tokens, uint64_t seed = 2) const {
    return inputs(Random(seed).normals(int64_t{tokens} * spec_.hidden));
  }
  /** h of all rows. blocks = 0: as launch_experts.hpp says, for a GPU of 3 multiprocessors. */
  DeviceRows up(KernelRunner& runner, ExpertsTile tile, const ExpertRows& rows, const DeviceRows& x,
                uint32_t blocks = 0) const;
  /** y of all rows, from h or for LINEAR from x. */
  DeviceRows down(KernelRunner& runner, ExpertsTile tile, const ExpertRows& rows, const DeviceRows& x,
                  const DeviceRows& h, uint32_t blocks = 0) const;

  /** Expects each element within the bound that the kernels' headers state. */
  void expect_up(const ExpertRows& rows, const DeviceRows& x, const DeviceRows& h) const;
  void expect_down(const ExpertRows& rows, const DeviceRows& x, const DeviceRows& h,
                   const DeviceRows& y) const;

 private:
  struct Source {
    std::vector<float> gate, up, down, gate_bias, up_bias, down_bias;  // rounded to the format
  };
  struct Sum {
    double value, error;
  };
  cuda::ExpertsTask task(const ExpertRows& rows, const DeviceRows& x) const;
  void launch(KernelRunner& runner, ExpertsSide side, ExpertsTile tile, const cuda::ExpertsTask& task,
              const ExpertRows& rows, uint32_t blocks) const;
  Sum sum(const std::vector<float>& matrix, const std::vector<float>& bias, int64_t row,
          const std::vector<float>& x) const;
  /** The error that the headers state for a sum of k products and a bias, `magnitude` = sum |x||w| + |b|. */
  double sum_bound(int64_t k, double magnitude) const;

  ExpertsSpec spec_;
  Experts experts_;
  std::vector<Source> sources_;
  Buffer<std::byte> weights_;
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_KERNELS_EXPERTS_FIXTURE_HPP_
