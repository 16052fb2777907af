// experts over a caller's memory: the bytes that dmoe_experts_packed gives, read in place.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <string>

#include "support/levels.hpp"
#include "support/same_bits.hpp"
#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kFormats[] = {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4};
constexpr int32_t kKinds[] = {DMOE_EXPERT_SWIGLU, DMOE_EXPERT_RELU, DMOE_EXPERT_LINEAR};

using ExpertsPointer = std::unique_ptr<dmoe_experts, decltype(&dmoe_experts_destroy)>;

struct Bytes {
  const void* data = nullptr;
  int64_t count = 0;
};

Bytes packed(const dmoe_experts* experts) {
  Bytes bytes;
  EXPECT_EQ(dmoe_experts_packed(experts, &bytes.data, &bytes.count), DMOE_OK) << dmoe_last_error();
  return bytes;
}

dmoe_experts_options options_of(const LayerSpec& spec) {
  dmoe_experts_options o{};
  o.struct_size = sizeof o;
  o.experts = spec.experts;
  o.hidden = spec.hidden;
  o.width = spec.kind == DMOE_EXPERT_LINEAR ? spec.hidden : spec.width;
  o.kind = spec.kind;
  o.format = spec.format;
  o.use_bias = spec.bias;
  o.isa = spec.isa;
  return o;
}

// Memory that ends with a page: the byte after it, and any write once it is sealed, ends the process.
class SealedMemory {
 public:
  explicit SealedMemory(int64_t bytes) : mapped_((static_cast<size_t>(bytes) + 4095) / 4096 * 4096 + 4096) {
    base_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_NE(base_, MAP_FAILED);
    EXPECT_EQ(mprotect(base_ + mapped_ - 4096, 4096, PROT_NONE), 0);
    data_ = base_ + mapped_ - 4096 - bytes;
  }
  ~SealedMemory() { munmap(base_, mapped_); }
  SealedMemory(const SealedMemory&) = delete;
  SealedMemory& operator=(const SealedMemory&) = delete;

  std::byte* data() { return data_; }
  void seal() { EXPECT_EQ(mprotect(base_, mapped_ - 4096, PROT_READ), 0); }

 private:
  size_t mapped_;
  std::byte* base_ = nullptr;
  std::byte* data_ = nullptr;
};

ExpertsPointer create_mapped(const dmoe_experts_options& options, const void* data, int64_t bytes) {
  dmoe_experts* experts = nullptr;
  EXPECT_EQ(dmoe_experts_create_mapped(&options, data, bytes, &experts), DMOE_OK) << dmoe_last_error();
  return {experts, dmoe_experts_destroy};
}

using LayerPointer = std::unique_ptr<dmoe_layer, decltype(&dmoe_layer_destroy)>;

LayerPointer create_layer(const TestLayer& parts, const dmoe_experts* experts) {
  const dmoe_layer_options options{sizeof(dmoe_layer_options), 512, 0, nullptr, nullptr};
  dmoe_layer* layer = nullptr;
  EXPECT_EQ(dmoe_layer_create(&options, parts.router(), experts, &layer), DMOE_OK) << dmoe_last_error();
  return {layer, dmoe_layer_destroy};
}

dmoe_status forward(const TestLayer& parts, const dmoe_layer* layer, const std::vector<float>& x,
                    std::vector<float>& y) {
  y.assign(x.size(), -7.0f);
  const dmoe_matrix_f32 in = matrix(x, parts.spec().hidden);
  const dmoe_output_f32 out = output(y, parts.spec().hidden);
  const dmoe_route_params p = parts.params();
  return dmoe_layer_forward(layer, &in, &p, nullptr, nullptr, &out, nullptr);
}

template <typename Body>
void for_each_spec(Body body) {
  for (int32_t format : kFormats) {
    for (int32_t kind : kKinds) {
      for (bool bias : {false, true}) {
        LayerSpec spec;
        spec.hidden = 33;
        spec.width = 41;
        spec.experts = 5;
        spec.format = format;
        spec.kind = kind;
        spec.bias = bias;
        SCOPED_TRACE(testing::Message() << "format " << format << " kind " << kind << " bias " << bias);
        body(spec);
      }
    }
  }
}

TEST(MappedExperts, Packed_AtEveryLevel_AreTheSameBytes) {
  for_each_spec([](LayerSpec spec) {
    spec.isa = DMOE_ISA_SCALAR;
    const TestLayer scalar(spec);
    const Bytes expected = packed(scalar.experts());
    for (dmoe_isa isa : levels()) {
      spec.isa = isa;
      const TestLayer layer(spec);
      const Bytes bytes = packed(layer.experts());
      ASSERT_EQ(bytes.count, expected.count);
      EXPECT_EQ(std::memcmp(bytes.data, expected.data, static_cast<size_t>(bytes.count)), 0) << "isa " << isa;
    }
  });
}

TEST(MappedExperts, Forward_WhenWeightsAreReadInPlace_GivesTheSameBits) {
  for_each_spec([](LayerSpec spec) {
    for (dmoe_isa isa : levels()) {
      spec.isa = isa;
      const TestLayer own(spec);
      const Bytes bytes = packed(own.experts());
      SealedMemory memory(bytes.count);
      std::memcpy(memory.data(), bytes.data, static_cast<size_t>(bytes.count));
      memory.seal();
      ExpertsPointer mapped = create_mapped(options_of(spec), memory.data(), bytes.count);
      const LayerPointer layer = create_layer(own, mapped.get());
      mapped.reset();  // the layer keeps what it needs
      for (int64_t tokens : {1, 2, 40}) {
        const std::vector<float> x = own.tokens(tokens);
        std::vector<float> y;
        ASSERT_EQ(forward(own, layer.get(), x, y), DMOE_OK) << dmoe_last_error();
        EXPECT_TRUE(same_bits(y, own.forward(x))) << "isa " << isa << " tokens " << tokens;
      }
    }
  });
}

TEST(MappedExperts, Packed_WhenMapped_AreTheGivenBytes) {
  const TestLayer own((LayerSpec()));
  const Bytes bytes = packed(own.experts());
  const ExpertsPointer mapped = create_mapped(options_of(own.spec()), bytes.data, bytes.count);
  EXPECT_EQ(packed(mapped.get()).data, bytes.data);
  EXPECT_EQ(packed(mapped.get()).count, bytes.count);
}

// A file from outside may hold anything. Values may be wrong or overflow; no byte steers memory.
TEST(MappedExperts, Forward_WhenBytesAreGarbage_ReportsOverflowOrRuns) {
  for_each_spec([](LayerSpec spec) {
    for (dmoe_isa isa : levels()) {
      spec.isa = isa;
      const TestLayer own(spec);
      const Bytes bytes = packed(own.experts());
      for (int pattern = 0; pattern < 4; ++pattern) {
        SealedMemory memory(bytes.count);
        Random random(static_cast<uint64_t>(pattern));
        for (int64_t i = 0; i < bytes.count; ++i) {
          constexpr int64_t kSame[] = {0, 0xff, 0x80};
          memory.data()[i] = static_cast<std::byte>(pattern < 3 ? kSame[pattern] : random.below(256));
        }
        memory.seal();
        const ExpertsPointer mapped = create_mapped(options_of(spec), memory.data(), bytes.count);
        const LayerPointer layer = create_layer(own, mapped.get());
        for (int64_t tokens : {1, 40}) {
          std::vector<float> y;
          const dmoe_status status = forward(own, layer.get(), own.tokens(tokens), y);
          EXPECT_TRUE(status == DMOE_OK || status == DMOE_E_OVERFLOW) << dmoe_last_error();
        }
      }
    }
  });
}

TEST(MappedExperts, Create_WhenBytesDoNotFit_IsRefused) {
  const TestLayer own((LayerSpec()));
  const dmoe_experts_options o = options_of(own.spec());
  const Bytes bytes = packed(own.experts());
  dmoe_experts* made = nullptr;
  const auto status = [&](const void* data, int64_t count) {
    return dmoe_experts_create_mapped(&o, data, count, &made);
  };
  EXPECT_EQ(status(nullptr, bytes.count), DMOE_E_ARGUMENT);
  EXPECT_EQ(status(static_cast<const std::byte*>(bytes.data) + 32, bytes.count), DMOE_E_ARGUMENT);
  EXPECT_NE(std::string(dmoe_last_error()).find("64"), std::string::npos) << dmoe_last_error();
  for (int64_t count : {bytes.count - 64, bytes.count + 64, int64_t{0}, int64_t{-1}}) {
    EXPECT_EQ(status(bytes.data, count), DMOE_E_SHAPE);
    EXPECT_NE(std::string(dmoe_last_error()).find(std::to_string(bytes.count)), std::string::npos);
  }
  EXPECT_EQ(dmoe_experts_create_mapped(nullptr, bytes.data, bytes.count, &made), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_experts_create_mapped(&o, bytes.data, bytes.count, nullptr), DMOE_E_ARGUMENT);
  dmoe_experts_options wrong = o;
  wrong.width = 0;
  EXPECT_EQ(dmoe_experts_create_mapped(&wrong, bytes.data, bytes.count, &made), DMOE_E_OPTIONS);
  EXPECT_EQ(made, nullptr);
}

TEST(MappedExperts, Set_WhenMapped_IsRefused) {
  const TestLayer own((LayerSpec()));
  const Bytes bytes = packed(own.experts());
  const ExpertsPointer mapped = create_mapped(options_of(own.spec()), bytes.data, bytes.count);
  const std::vector<float> w(32 * 48, 0.5f);
  dmoe_expert_weights weights{};
  weights.struct_size = sizeof weights;
  weights.gate = weights.up = weights.down = w.data();
  EXPECT_EQ(dmoe_experts_set(mapped.get(), 0, &weights), DMOE_E_STATE);
}

TEST(MappedExperts, Packed_WhenAnExpertHasNoWeights_NamesIt) {
  LayerSpec spec;
  const dmoe_experts_options o = options_of(spec);
  dmoe_experts* experts = nullptr;
  ASSERT_EQ(dmoe_experts_create(&o, &experts), DMOE_OK) << dmoe_last_error();
  Bytes bytes;
  EXPECT_EQ(dmoe_experts_packed(experts, &bytes.data, &bytes.count), DMOE_E_STATE);
  EXPECT_NE(std::string(dmoe_last_error()).find("expert 0"), std::string::npos) << dmoe_last_error();
  EXPECT_EQ(dmoe_experts_packed(nullptr, &bytes.data, &bytes.count), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_experts_packed(experts, nullptr, &bytes.count), DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_experts_packed(experts, &bytes.data, nullptr), DMOE_E_ARGUMENT);
  EXPECT_EQ(bytes.data, nullptr);
  dmoe_experts_destroy(experts);
}

// FNV-1a of the packed bytes; for q8 and q4 the rounding of weights is part of it.
uint64_t layout_fingerprint(int32_t format) {
  LayerSpec spec;
  spec.hidden = 70;
  spec.width = 37;
  spec.experts = 2;
  spec.format = format;
  spec.bias = true;
  const dmoe_experts_options o = options_of(spec);
  dmoe_experts* made = nullptr;
  EXPECT_EQ(dmoe_experts_create(&o, &made), DMOE_OK) << dmoe_last_error();
  const ExpertsPointer experts(made, dmoe_experts_destroy);
  std::vector<float> w(70 * 37), bias(70);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(static_cast<int>(i * 7 % 15) - 7) / 8;
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i);
  for (int32_t e = 0; e < 2; ++e) {
    const dmoe_expert_weights weights{sizeof(dmoe_expert_weights),
                                      DMOE_DTYPE_F32,
                                      w.data(),
                                      w.data(),
                                      w.data(),
                                      bias.data(),
                                      bias.data(),
                                      bias.data()};
    EXPECT_EQ(dmoe_experts_set(experts.get(), e, &weights), DMOE_OK) << dmoe_last_error();
  }
  const Bytes bytes = packed(experts.get());
  uint64_t hash = 0xcbf29ce484222325u;
  for (int64_t i = 0; i < bytes.count; ++i) {
    hash = (hash ^ static_cast<const unsigned char*>(bytes.data)[i]) * 0x100000001b3u;
  }
  return hash;
}

// Files hold these bytes. When this fails because the layout was changed on purpose, raise
// kPackedLayoutVersion (engine/packing.hpp) and put the new values here.
TEST(MappedExperts, Layout_WhenItsBytesChange_HasAnotherVersion) {
  EXPECT_EQ(dmoe_packed_layout_version(), 1);
  EXPECT_EQ(layout_fingerprint(DMOE_FORMAT_F32), 5907900706822903121u);
  EXPECT_EQ(layout_fingerprint(DMOE_FORMAT_BF16), 16470756389975125777u);
  EXPECT_EQ(layout_fingerprint(DMOE_FORMAT_Q8), 1841522423014776873u);
  EXPECT_EQ(layout_fingerprint(DMOE_FORMAT_Q4), 10853451176653630749u);
}

}  // namespace
}  // namespace dmoe::test
