// limits: a peak kernel does the operations that it reports, and a read kernel reads every byte once.
#include "ops/limits/limits.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/kernel_lines.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {
namespace {

constexpr float kStart = 3;  // of every sum: small numbers, so that float32 sums are exact

float value_of(float x) { return x; }
float value_of(uint16_t x) { return from_bf16(x); }
float value_of(uint8_t x) { return static_cast<float>(x); }
float value_of(int8_t x) { return static_cast<float>(x); }

void set(float& x, int value) { x = static_cast<float>(value); }
void set(uint16_t& x, int value) { x = to_bf16(static_cast<float>(value)); }
void set(uint8_t& x, int value) { x = static_cast<uint8_t>(value); }
void set(int8_t& x, int value) { x = static_cast<int8_t>(value); }

// @param lane_elements products per lane and step
template <class Left, class Right, class Sum>
struct PeakCase {
  using Kernel = int64_t(const Peak<Left, Right, Sum>&);
  int lane_elements;
  std::vector<Left> left = std::vector<Left>(static_cast<size_t>(16 * lane_elements));
  std::vector<Right> right = std::vector<Right>(static_cast<size_t>(2 * lane_elements));
  std::vector<Sum> sums = std::vector<Sum>(kPeakSums * 16, static_cast<Sum>(kStart));

  int64_t run(Kernel* kernel, int64_t rounds) {
    return kernel({rounds, left.data(), right.data(), sums.data()});
  }

  // What one round adds to a lane.
  double step(int lane) const {
    double sum = 0;
    for (int s = 0; s < 2; ++s) {
      for (int k = 0; k < lane_elements; ++k) {
        const double l = static_cast<double>(value_of(left[static_cast<size_t>(lane * lane_elements + k)]));
        sum += l * static_cast<double>(value_of(right[static_cast<size_t>(s * lane_elements + k)]));
      }
    }
    return sum;
  }
};

template <class Left, class Right, class Sum>
void check_peak(const char* op, int lane_elements) {
  using Case = PeakCase<Left, Right, Sum>;
  const auto lines = kernel_lines<typename Case::Kernel>(op);
  ASSERT_FALSE(lines.empty());
  Random random(5);
  for (const auto& line : lines) {
    // Products of ones: what was added is half of what was done, whatever a level calls a round.
    Case ones{lane_elements};
    for (auto& x : ones.left) set(x, 1);
    for (auto& x : ones.right) set(x, 1);
    const int64_t operations = ones.run(line.run, 1000);
    double added = 0;
    for (Sum sum : ones.sums) added += static_cast<double>(sum) - static_cast<double>(kStart);
    EXPECT_EQ(static_cast<double>(operations), 2 * added) << line.name;
    EXPECT_GE(added, 1000.0 * 2 * 16 * lane_elements) << line.name;

    Case mixed{lane_elements};
    for (auto& x : mixed.left) set(x, static_cast<int>(1 + random.below(100)));
    for (auto& x : mixed.right) set(x, static_cast<int>(random.below(128) - 64));
    constexpr int64_t kRounds = 37;
    const int64_t done = mixed.run(line.run, kRounds);
    const int64_t kept = done / (kRounds * 2 * 2 * 16 * lane_elements);
    ASSERT_GE(kept, 1) << line.name;
    ASSERT_LE(kept, kPeakSums) << line.name;
    for (int64_t j = 0; j < kPeakSums; ++j) {
      for (int lane = 0; lane < 16; ++lane) {
        const double expected = static_cast<double>(kStart) + (j < kept ? kRounds * mixed.step(lane) : 0);
        ASSERT_EQ(static_cast<double>(mixed.sums[static_cast<size_t>(16 * j + lane)]), expected)
            << line.name << " sum " << j << " lane " << lane;
      }
    }
    Case none{lane_elements};
    EXPECT_EQ(none.run(line.run, 0), 0) << line.name;
  }
}

TEST(PeakF32, WhenSumsAreExact_AreThoseOfTheOperationsReported) {
  check_peak<float, float, float>("peak_f32", 1);
}
TEST(PeakBf16, WhenSumsAreExact_AreThoseOfTheOperationsReported) {
  check_peak<uint16_t, uint16_t, float>("peak_bf16", 2);
}
TEST(PeakInt8, WhenSumsAreExact_AreThoseOfTheOperationsReported) {
  check_peak<uint8_t, int8_t, int32_t>("peak_int8", 4);
}

TEST(ReadStreams, WhenAnyLength_ReturnsTheXorOfEveryWordOnce) {
  const auto lines = kernel_lines<read_streams_kernel>("read_streams");
  ASSERT_FALSE(lines.empty());
  Random random(8);
  constexpr int64_t kMost = 64 * 8 * 300;
  struct alignas(64) Line {
    uint64_t word[8];
  };
  std::vector<Line> memory(kMost / 64 + 2);
  for (Line& line : memory)
    for (uint64_t& word : line.word) word = random.bits();
  for (int64_t bytes : {int64_t{0}, int64_t{64}, int64_t{64 * 7}, int64_t{64 * 31}, int64_t{64 * 33},
                        int64_t{64 * 520}, int64_t{64 * 1029}, kMost}) {
    uint64_t expected = 0;  // of lines 1.., so that one read too early shows as well as one too late
    for (int64_t i = 0; i < bytes / 64; ++i)
      for (uint64_t word : memory[static_cast<size_t>(i + 1)].word) expected ^= word;
    for (const auto& line : lines)
      for (int streams : {1, 4, 8})
        for (int64_t ahead : {0, 512})
          EXPECT_EQ(line.run({memory.data() + 1, bytes, streams, ahead}), expected)
              << line.name << " bytes " << bytes << " streams " << streams << " ahead " << ahead;
  }
}

}  // namespace
}  // namespace dmoe::test
