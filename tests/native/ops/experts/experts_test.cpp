// experts: every kernel against double precision within the bound of experts.hpp, and bit for bit against
// itself.
#include "ops/experts/experts.hpp"

#include <gtest/gtest.h>

#include "support/activations.hpp"
#include "support/cases/expert_cases.hpp"
#include "support/kernel_lines.hpp"
#include "support/packed.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

using Shape = ExpertShape;

std::vector<Shape> shapes() {
  std::vector<Shape> all(std::begin(kExpertShapes), std::end(kExpertShapes));
  all.insert(all.end(), std::begin(kLongExpertShapes), std::end(kLongExpertShapes));
  return all;
}

// The operands of one up product; for kinds without a gate, `gate` is unused.
struct UpCase {
  int32_t format;
  int32_t kind;
  bool use_bias;
  InputRows x;
  PackedWeights gate, up;
  std::vector<float> gate_bias, up_bias;
  Buffer<char> interleaved;
  std::vector<float> packed_bias;
  int64_t panels;

  UpCase(Random& random, Shape shape, int32_t f, int32_t k, bool bias)
      : format(f),
        kind(k),
        use_bias(bias),
        x(random, shape.rows, shape.hidden, f),
        gate(random, shape.width, shape.hidden, f),
        up(random, shape.width, shape.hidden, f),
        gate_bias(random.normals(shape.width)),
        up_bias(random.normals(shape.width)) {
    const bool swiglu = kind == DMOE_EXPERT_SWIGLU;
    panels = swiglu ? (shape.width + 15) / 16 : panels_for(shape.width);
    packed_bias.assign(static_cast<size_t>(panels * 32), 0.0f);
    for (int64_t f = 0; f < shape.width && use_bias; ++f) {
      packed_bias[static_cast<size_t>(swiglu ? f / 16 * 32 + 16 + f % 16 : f)] =
          up_bias[static_cast<size_t>(f)];
      if (swiglu) packed_bias[static_cast<size_t>(f / 16 * 32 + f % 16)] = gate_bias[static_cast<size_t>(f)];
    }
    if (!swiglu) return;
    interleaved = Buffer<char>(static_cast<size_t>(panels * panel_bytes(up.format, shape.hidden)));
    pack_gate_up({gate.source.data(), DMOE_DTYPE_F32, shape.width, shape.hidden},
                 {up.source.data(), DMOE_DTYPE_F32, shape.width, shape.hidden}, up.format,
                 interleaved.data());
  }

  bool quantised() const { return format == DMOE_FORMAT_Q8 || format == DMOE_FORMAT_Q4; }
  int64_t columns() const { return panels * (kind == DMOE_EXPERT_SWIGLU ? 16 : 32); }

  // h of rows [first, first + count) as float, every column that the panels have.
  std::vector<float> run(experts_up_f32_kernel* kernel, int64_t first, int64_t count,
                         bool from_memory = false) const {
    std::vector<float> scratch(static_cast<size_t>(count * kUpGroupPanels * 32));
    const int64_t stride = operand_bytes(format, columns());
    std::vector<char> h(static_cast<size_t>(count * stride), 77);
    ExpertsUp t;
    t.gemm = {x.pointers.data() + first,
              count,
              x.columns,
              interleaved.empty() ? up.panels.data() : interleaved.data(),
              panels,
              scratch.data(),
              kUpGroupPanels * 32};
    t.gemm.from_memory = from_memory;
    t.kind = kind;
    t.bias = use_bias ? packed_bias.data() : nullptr;
    t.hidden = h.data();
    t.hidden_stride = stride;
    kernel(t);
    std::vector<float> values;
    for (int64_t r = 0; r < count; ++r) append_row(h.data() + r * stride, values);
    return values;
  }

  void append_row(const char* row, std::vector<float>& values) const {
    for (int64_t c = 0; c < columns(); ++c) {
      float value;
      if (format == DMOE_FORMAT_F32) {
        std::memcpy(&value, row + 4 * c, sizeof value);
      } else if (format == DMOE_FORMAT_BF16) {
        uint16_t half;
        std::memcpy(&half, row + 2 * c, sizeof half);
        value = from_bf16(half);
      } else {
        QuantBlock block;
        std::memcpy(&block, row + c / kQuantBlock * static_cast<int64_t>(sizeof block), sizeof block);
        value = static_cast<float>(block.value[c % kQuantBlock]) * block.scale;
      }
      values.push_back(value);
    }
  }

  // The exact h of one row and the bound of experts.hpp, before h is rounded to the format.
  struct Exact {
    double value, bound;
  };
  Exact exact(int64_t r, int64_t f) const {
    if (f >= up.rows) return {0, 0};
    const auto bias = [&](const std::vector<float>& b) {
      return use_bias ? static_cast<double>(b[static_cast<size_t>(f)]) : 0.0;
    };
    const ExactDot u = exact_dot(x, r, up, f, bias(up_bias));
    const double eu = product_bound(format, up.columns, u.magnitude);
    if (kind != DMOE_EXPERT_SWIGLU) {
      return {activation(kind, u.sum), 1.13 * eu + 0x1p-20 * std::abs(u.sum) + 1e-36};
    }
    const ExactDot g = exact_dot(x, r, gate, f, bias(gate_bias));
    const double eg = product_bound(format, gate.columns, g.magnitude);
    const double silu = activation(DMOE_EXPERT_SILU, g.sum);
    return {silu * u.sum, 1.1 * eg * (std::abs(u.sum) + eu) + std::abs(silu) * eu +
                              0x1p-20 * std::abs(silu * u.sum) + 1e-36};
  }

  void expect_close(const std::vector<float>& h, const std::string& name) const {
    for (int64_t r = 0; r < x.count; ++r) {
      for (int64_t first = 0; first < columns(); first += kQuantBlock) {
        const int64_t end = std::min(columns(), first + kQuantBlock);
        Exact row[kQuantBlock];
        double largest = 0;
        for (int64_t f = first; f < end; ++f) {
          row[f - first] = exact(r, f);
          largest = std::max(largest, std::abs(row[f - first].value) + row[f - first].bound);
        }
        for (int64_t f = first; f < end; ++f) {
          const Exact e = row[f - first];
          double bound = e.bound;
          if (format == DMOE_FORMAT_BF16) bound += 0x1p-8 * (std::abs(e.value) + bound);
          if (quantised()) bound += largest / 253;
          if (f >= up.rows) bound = 0;
          const double actual = static_cast<double>(h[static_cast<size_t>(r * columns() + f)]);
          ASSERT_LE(std::abs(actual - e.value), bound)
              << name << " kind " << kind << " row " << r << " column " << f;
        }
      }
    }
  }
};

void check_up(const char* op, int32_t format) {
  const auto lines = kernel_lines<experts_up_f32_kernel>(op);
  ASSERT_FALSE(lines.empty());
  Random random(7);
  for (const Shape& shape : shapes()) {
    // What the large shapes are for does not depend on the activation.
    const int32_t last_kind = shape.hidden + shape.width > 2000 ? DMOE_EXPERT_SWIGLU : DMOE_EXPERT_SILU;
    for (int32_t kind = DMOE_EXPERT_SWIGLU; kind <= last_kind; ++kind) {
      const UpCase c(random, shape, format, kind, kind % 2 == 0);
      const std::vector<float> portable = c.run(lines.back().run, 0, shape.rows);
      for (const auto& line : lines) {
        const std::vector<float> h = c.run(line.run, 0, shape.rows);
        c.expect_close(h, line.name);
        EXPECT_TRUE(same_bits(c.run(line.run, 0, shape.rows, true), h)) << line.name << " from memory";
        if (line.isa != DMOE_ISA_AVX512BF16) {
          EXPECT_TRUE(same_bits(h, portable)) << line.name << " differs from the portable kernel";
        }
        for (int64_t r = 0; r < shape.rows; ++r) {
          const std::vector<float> alone = c.run(line.run, r, 1);
          const float* row = h.data() + static_cast<size_t>(r) * alone.size();
          EXPECT_TRUE(same_bits(alone.data(), row, alone.size()))
              << line.name << " row " << r << " of " << shape.rows;
        }
      }
    }
  }
}

TEST(ExpertsUp, F32_WhenAnyShapeAndKind_IsWithinItsBoundAndTheSameAtEveryLevel) {
  check_up("experts_up_f32", DMOE_FORMAT_F32);
}
TEST(ExpertsUp, Bf16_WhenAnyShapeAndKind_IsWithinItsBound) { check_up("experts_up_bf16", DMOE_FORMAT_BF16); }
TEST(ExpertsUp, Q8_WhenAnyShapeAndKind_IsWithinItsBoundAndTheSameAtEveryLevel) {
  check_up("experts_up_q8", DMOE_FORMAT_Q8);
}
TEST(ExpertsUp, Q4_WhenAnyShapeAndKind_IsWithinItsBoundAndTheSameAtEveryLevel) {
  check_up("experts_up_q4", DMOE_FORMAT_Q4);
}

// One weight of 1 turns the product into the activation of x itself.
TEST(ExpertsUp, Activation_WhenOfAnyMagnitude_IsWithinItsStatedError) {
  std::vector<float> inputs;
  for (int exponent = -30; exponent <= 12; ++exponent) {
    for (int step = 0; step < 64; ++step) {
      const float x = std::ldexp(1.0f + static_cast<float>(step) / 64.0f, exponent);
      inputs.push_back(x);
      inputs.push_back(-x);
    }
  }
  const std::vector<float> one{1.0f};
  Buffer<char> panel(static_cast<size_t>(panel_bytes(DMOE_FORMAT_F32, 1)));
  pack_panels({one.data(), DMOE_DTYPE_F32, 1, 1}, DMOE_FORMAT_F32, panel.data());
  for (const auto& line : kernel_lines<experts_up_f32_kernel>("experts_up_f32")) {
    for (int32_t kind = DMOE_EXPERT_GELU; kind <= DMOE_EXPERT_SILU; ++kind) {
      for (float x : inputs) {
        const void* row = &x;
        float scratch[kUpGroupPanels * 32];
        float h[32];
        line.run({{&row, 1, 1, panel.data(), 1, scratch, kUpGroupPanels * 32}, kind, nullptr, h, sizeof h});
        const double exact = activation(kind, static_cast<double>(x));
        const bool gelu = kind == DMOE_EXPERT_GELU || kind == DMOE_EXPERT_GELU_TANH;
        const double relative = gelu ? 0x1p-21 * std::abs(static_cast<double>(x)) : 0x1p-20 * std::abs(exact);
        const double allowed = relative + (x < -40 ? 1e-30 : 1e-36) * std::abs(static_cast<double>(x));
        ASSERT_LE(std::abs(static_cast<double>(h[0]) - exact), allowed)
            << line.name << " kind " << kind << " x " << x;
      }
    }
  }
}

void check_down(const char* op, int32_t format) {
  const auto lines = kernel_lines<experts_down_f32_kernel>(op);
  ASSERT_FALSE(lines.empty());
  Random random(11);
  for (const Shape& shape : shapes()) {
    const InputRows h(random, shape.rows, shape.width, format);
    const PackedWeights w(random, shape.hidden, shape.width, format);
    const int64_t stride = panels_for(shape.hidden) * 32;
    const std::vector<float> bias = random.normals(stride);
    std::vector<float> portable(static_cast<size_t>(shape.rows * stride));
    const auto run = [&](experts_down_f32_kernel* kernel, int64_t first, int64_t count, float* out,
                         bool from_memory = false) {
      kernel({{h.pointers.data() + first, count, shape.width, w.panels.data(), stride / 32, out, stride,
               from_memory},
              bias.data()});
    };
    run(lines.back().run, 0, shape.rows, portable.data());
    for (const auto& line : lines) {
      std::vector<float> y(portable.size()), streamed(portable.size());
      run(line.run, 0, shape.rows, y.data());
      run(line.run, 0, shape.rows, streamed.data(), true);
      EXPECT_TRUE(same_bits(streamed, y)) << line.name << " from memory";
      for (int64_t r = 0; r < shape.rows; ++r) {
        for (int64_t d = 0; d < shape.hidden; ++d) {
          const ExactDot e = exact_dot(h, r, w, d, static_cast<double>(bias[static_cast<size_t>(d)]));
          ASSERT_LE(std::abs(static_cast<double>(y[static_cast<size_t>(r * stride + d)]) - e.sum),
                    product_bound(format, shape.width, e.magnitude))
              << line.name << " row " << r << " column " << d;
        }
        std::vector<float> alone(static_cast<size_t>(stride));
        run(line.run, r, 1, alone.data());
        EXPECT_TRUE(same_bits(alone.data(), y.data() + r * stride, alone.size())) << line.name;
      }
      if (line.isa != DMOE_ISA_AVX512BF16) {
        EXPECT_TRUE(same_bits(y, portable)) << line.name;
      }
    }
  }
}

TEST(ExpertsDown, F32_WhenAnyShape_IsWithinItsBoundAndTheSameAtEveryLevel) {
  check_down("experts_down_f32", DMOE_FORMAT_F32);
}
TEST(ExpertsDown, Bf16_WhenAnyShape_IsWithinItsBound) { check_down("experts_down_bf16", DMOE_FORMAT_BF16); }
TEST(ExpertsDown, Q8_WhenAnyShape_IsWithinItsBoundAndTheSameAtEveryLevel) {
  check_down("experts_down_q8", DMOE_FORMAT_Q8);
}
TEST(ExpertsDown, Q4_WhenAnyShape_IsWithinItsBoundAndTheSameAtEveryLevel) {
  check_down("experts_down_q4", DMOE_FORMAT_Q4);
}

// Blocks at their extremes: the largest sums that the integer path can meet must not saturate.
void expect_sum(const char* op, int32_t format, const std::vector<float>& block, float x, double expected) {
  const int64_t k = 2 * kQuantBlock;
  std::vector<float> weights;
  for (int i = 0; i < 32 * 2; ++i) weights.insert(weights.end(), block.begin(), block.end());
  ASSERT_EQ(as_weights(weights, 32, k, format), weights) << "the format must hold the weights exactly";
  Buffer<char> panel(static_cast<size_t>(panel_bytes(format, k)));
  pack_panels({weights.data(), DMOE_DTYPE_F32, 32, k}, format, panel.data());
  const InputRows rows(std::vector<float>(static_cast<size_t>(k), x), 1, k, format);
  for (const auto& line : kernel_lines<experts_down_f32_kernel>(op)) {
    std::vector<float> y(32);
    line.run({{rows.pointers.data(), 1, k, panel.data(), 1, y.data(), 32}, nullptr});
    for (float value : y) EXPECT_NEAR(static_cast<double>(value), expected, 1e-2) << line.name;
  }
}

TEST(ExpertsDown, WhenEveryWeightAndActivationIsLargest_SumsExactly) {
  for (float x : {1.0f, -1.0f}) {
    const double sign = static_cast<double>(x);
    for (float w : {127.0f, -127.0f}) {
      expect_sum("experts_down_q8", DMOE_FORMAT_Q8, std::vector<float>(32, w), x,
                 sign * 64 * static_cast<double>(w));
    }
    std::vector<float> seven(32, 7.0f);  // the -8 makes 1 the scale
    seven[0] = -8.0f;
    expect_sum("experts_down_q4", DMOE_FORMAT_Q4, seven, x, sign * 2 * (31 * 7 - 8));
    expect_sum("experts_down_q4", DMOE_FORMAT_Q4, std::vector<float>(32, -8.0f), x, sign * -8 * 64);
  }
}

}  // namespace
}  // namespace dmoe::test
