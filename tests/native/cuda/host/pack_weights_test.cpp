// pack_weights: every stored value found again where kernels/weights.hpp says, and zeros everywhere else.
#include "host/pack_weights.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/weight_blocks.hpp"
#include "support/packed.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

// Reads panels of the device's layout, and strikes out each byte (or nibble) that it read.
class Reader {
 public:
  Reader(int32_t format, const std::byte* bytes, int64_t count)
      : format_(format), bytes_(bytes, bytes + count) {}

  float value(int64_t panel_at, int64_t c, int64_t k) {
    const auto column = static_cast<int32_t>(c);
    if (format_ == DMOE_FORMAT_F32)
      return take<float>(panel_at + cuda::value_byte(format_, column, static_cast<int32_t>(k)));
    const int64_t block = panel_at + k / 32 * cuda::block_bytes(format_);
    const auto in_block = static_cast<int32_t>(k % 32);
    const int64_t at = block + cuda::value_byte(format_, column, in_block);
    if (format_ == DMOE_FORMAT_BF16) return from_bf16(take<uint16_t>(at));
    uint16_t scale;
    std::memcpy(&scale, bytes_.data() + block + cuda::scale_byte(format_, column), sizeof scale);
    if (format_ == DMOE_FORMAT_Q8) return from_f16(scale) * static_cast<float>(take<uint8_t>(at) - 128);
    const bool high = cuda::high_nibble(in_block);
    const auto both = std::to_integer<int>(bytes_[static_cast<size_t>(at)]);
    return from_f16(scale) * static_cast<float>((high ? both >> 4 : both & 15) - 8);
  }

 private:
  template <class T>
  T take(int64_t at) {
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }
  int32_t format_;
  std::vector<std::byte> bytes_;
};

struct Case {
  int32_t kind, hidden, width;
};
const Case kCases[] = {{DMOE_EXPERT_SWIGLU, 1, 1}, {DMOE_EXPERT_SWIGLU, 33, 17}, {DMOE_EXPERT_SWIGLU, 64, 96},
                       {DMOE_EXPERT_GELU, 7, 50},  {DMOE_EXPERT_RELU, 31, 5},    {DMOE_EXPERT_SILU, 130, 70},
                       {DMOE_EXPERT_LINEAR, 1, 1}, {DMOE_EXPERT_LINEAR, 45, 45}};

TEST(PackWeights, WhenAnyShapeAndFormat_KeepsEveryValue) {
  Random random(14);
  for (const Case& c : kCases) {
    for (const int32_t format : {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4}) {
      for (const bool bias : {false, true}) {
        SCOPED_TRACE(testing::Message() << "kind " << c.kind << " hidden " << c.hidden << " width " << c.width
                                        << " format " << format);
        const bool gated = c.kind == DMOE_EXPERT_SWIGLU, linear = c.kind == DMOE_EXPERT_LINEAR;
        dmoe_experts_options o{};
        o.struct_size = sizeof o;
        o.experts = 2;
        o.hidden = c.hidden;
        o.width = c.width;
        o.kind = c.kind;
        o.format = format;
        o.use_bias = bias;
        Experts experts(o);
        const auto gate = random.normals(gated ? c.width * c.hidden : 0),
                   up = random.normals(c.width * c.hidden),
                   down = random.normals(linear ? 0 : c.hidden * c.width),
                   gate_bias = random.normals(gated && bias ? c.width : 0),
                   up_bias = random.normals(bias ? c.width : 0),
                   down_bias = random.normals(bias && !linear ? c.hidden : 0);
        const auto pointer = [](const std::vector<float>& v) { return v.empty() ? nullptr : v.data(); };
        experts.set(1, {sizeof(dmoe_expert_weights), DMOE_DTYPE_F32, pointer(gate), pointer(up),
                        pointer(down), pointer(gate_bias), pointer(up_bias), pointer(down_bias)});
        const cuda::ExpertLayout layout = cuda::expert_layout(experts);
        ASSERT_EQ(layout.bytes % cuda::kWeightAlignment, 0);
        std::vector<std::byte> packed(static_cast<size_t>(layout.bytes), std::byte{0x5a}),
            again(packed.size(), std::byte{0xa5});
        cuda::pack_weights(experts, 1, packed.data());
        cuda::pack_weights(experts, 1, again.data());
        ASSERT_EQ(packed, again) << "some byte was not written";

        Reader reader(format, packed.data(), layout.bytes);
        const int64_t width = cuda::panel_width(c.kind);
        const auto expect_matrix = [&](const std::vector<float>& given, int64_t n, int64_t k, int64_t begin,
                                       int64_t columns_of_panel, int64_t shift) {
          const std::vector<float> values = as_weights(given, n, k, format);
          for (int64_t row = 0; row < cuda::up_to(n, columns_of_panel); ++row) {
            for (int64_t i = 0; i < (format == DMOE_FORMAT_F32 ? k : cuda::up_to(k, 32)); ++i) {
              const int64_t panel =
                  begin + row / columns_of_panel * cuda::panel_bytes(format, static_cast<int32_t>(k));
              const float expected = row < n && i < k ? values[static_cast<size_t>(row * k + i)] : 0.0f;
              const float actual = reader.value(panel, row % columns_of_panel + shift, i);
              // A zero of q8 and q4 has the sign of its scale.
              ASSERT_TRUE(expected == 0 ? actual == 0 : same_bits(actual, expected))
                  << "row " << row << " k " << i;
            }
          }
        };
        if (gated) expect_matrix(gate, c.width, c.hidden, 0, width, 0);
        if (!linear) expect_matrix(up, c.width, c.hidden, 0, width, gated ? 16 : 0);
        expect_matrix(linear ? up : down, c.hidden, c.width, layout.down, 32, 0);
        if (!bias) continue;
        const auto bias_at = [&](int64_t begin, int64_t column) {
          float value;
          std::memcpy(&value, packed.data() + begin + 4 * column, sizeof value);
          return value;
        };
        for (int64_t f = 0; f < c.width && !linear; ++f) {
          const int64_t column = f / width * 32 + f % width;
          EXPECT_EQ(bias_at(layout.up_bias, gated ? column + 16 : column), up_bias[static_cast<size_t>(f)]);
          if (gated) EXPECT_EQ(bias_at(layout.up_bias, column), gate_bias[static_cast<size_t>(f)]);
        }
        for (int64_t d = 0; d < c.hidden; ++d) {
          EXPECT_EQ(bias_at(layout.down_bias, d),
                    linear ? up_bias[static_cast<size_t>(d)] : down_bias[static_cast<size_t>(d)]);
        }
      }
    }
  }
}

// No two elements of a block share a place, and the scales lie behind them.
TEST(WeightsLayout, OfABlock_GivesEachElementItsOwnPlace) {
  for (const int32_t format : {DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4}) {
    std::vector<int> used(static_cast<size_t>(cuda::block_bytes(format)) * 2);  // nibbles
    const auto use = [&](int32_t byte, int first, int count) {
      for (int i = first; i < first + count; ++i) ++used[static_cast<size_t>(byte * 2 + i)];
    };
    for (int32_t c = 0; c < 32; ++c) {
      for (int32_t k = 0; k < 32; ++k) {
        const int32_t at = cuda::value_byte(format, c, k);
        if (format == DMOE_FORMAT_Q4) {
          use(at, cuda::high_nibble(k), 1);
        } else {
          use(at, 0, format == DMOE_FORMAT_Q8 ? 2 : 4);
        }
      }
      if (format != DMOE_FORMAT_BF16) use(cuda::scale_byte(format, c), 0, 4);
    }
    EXPECT_EQ(used, std::vector<int>(used.size(), 1)) << format;
  }
}

}  // namespace
}  // namespace dmoe::test
