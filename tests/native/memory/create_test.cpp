// Out of memory while an object is made, at each allocation: DMOE_E_NO_MEMORY, nothing held, no handle
// written.
#include <cstdlib>
#include <vector>

#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "memory/each_failure.hpp"
#include "support/router_api.hpp"
#include "support/test_layer.hpp"

namespace dmoe::test {
namespace {

constexpr int32_t kFormats[] = {DMOE_FORMAT_F32, DMOE_FORMAT_BF16, DMOE_FORMAT_Q8, DMOE_FORMAT_Q4};

// What the first creation in a process finds out about the machine takes memory too; host_test.cpp has that.
class OutOfMemory : public testing::Test {
 protected:
  void SetUp() override {
    dmoe_runtime_info info{};
    info.struct_size = sizeof info;
    ASSERT_EQ(dmoe_runtime_query(&info), DMOE_OK) << dmoe_last_error();
    set_pool_threads(1);
  }
  void TearDown() override { set_pool_threads(0); }
};

// Makes an object with each allocation failing. @return allocations that were made to fail
template <typename Handle, typename Create>
int64_t each_failed_creation(Create create, void (*destroy)(Handle*)) {
  const int64_t before = allocated_bytes();
  Handle* handle = nullptr;
  const int64_t failures = each_failure([&] { return create(&handle); },
                                        [&](bool failed) {
                                          EXPECT_EQ(handle == nullptr, failed);
                                          destroy(handle);
                                          handle = nullptr;
                                          EXPECT_EQ(allocated_bytes(), before);
                                        });
  return failures;
}

dmoe_experts_options experts_options(int32_t format) {
  dmoe_experts_options o{};
  o.struct_size = sizeof o;
  o.experts = 4;
  o.hidden = 32;
  o.width = 48;
  o.format = format;
  o.use_bias = 1;
  return o;
}

TEST_F(OutOfMemory, RouterCreate_WhateverAllocationFails_LeavesNothing) {
  const dmoe_router_options options = router_options(32, 8, 2);
  const std::vector<float> weights(32 * 8, 0.5f), bias(8, 0.1f);
  // Handle, engine, weights, bias, first workspace.
  EXPECT_EQ(each_failed_creation<dmoe_router>(
                [&](dmoe_router** router) {
                  return dmoe_router_create(&options, weights.data(), bias.data(), router);
                },
                dmoe_router_destroy),
            5);
}

TEST_F(OutOfMemory, ExpertsCreate_WhateverAllocationFails_LeavesNothing) {
  for (int32_t format : kFormats) {
    const dmoe_experts_options options = experts_options(format);
    // Engine, marks of what is set, weights, handle.
    EXPECT_EQ(each_failed_creation<dmoe_experts>(
                  [&](dmoe_experts** experts) { return dmoe_experts_create(&options, experts); },
                  dmoe_experts_destroy),
              4);
  }
}

TEST_F(OutOfMemory, ExpertsCreateMapped_WhateverAllocationFails_LeavesNothing) {
  for (int32_t format : kFormats) {
    const dmoe_experts_options options = experts_options(format);
    dmoe_experts* made = nullptr;
    ASSERT_EQ(dmoe_experts_create(&options, &made), DMOE_OK) << dmoe_last_error();
    int64_t bytes = 0;
    ASSERT_EQ(dmoe_experts_bytes(made, &bytes), DMOE_OK);
    dmoe_experts_destroy(made);
    bytes *= options.experts;
    void* const packed = std::aligned_alloc(64, static_cast<size_t>(bytes + 63) / 64 * 64);
    ASSERT_NE(packed, nullptr);
    EXPECT_EQ(each_failed_creation<dmoe_experts>(
                  [&](dmoe_experts** experts) {
                    return dmoe_experts_create_mapped(&options, packed, bytes, experts);
                  },
                  dmoe_experts_destroy),
              3);
    std::free(packed);
  }
}

// It takes no memory, so that weights cannot be half set.
TEST_F(OutOfMemory, ExpertsSet_WhateverTheFormat_AsksForNoMemory) {
  for (int32_t format : kFormats) {
    const dmoe_experts_options options = experts_options(format);
    dmoe_experts* experts = nullptr;
    ASSERT_EQ(dmoe_experts_create(&options, &experts), DMOE_OK) << dmoe_last_error();
    const std::vector<float> matrix(32 * 48, 0.25f), bias(48, 0.5f);
    const dmoe_expert_weights weights{sizeof(dmoe_expert_weights),
                                      DMOE_DTYPE_F32,
                                      matrix.data(),
                                      matrix.data(),
                                      matrix.data(),
                                      bias.data(),
                                      bias.data(),
                                      bias.data()};
    AllocationFault fault(1);
    const dmoe_status status = dmoe_experts_set(experts, 0, &weights);
    fault.end();
    EXPECT_EQ(status, DMOE_OK) << dmoe_last_error();
    EXPECT_EQ(fault.asked(), 0);
    dmoe_experts_destroy(experts);
  }
}

TEST_F(OutOfMemory, LayerCreate_WhateverAllocationFails_LeavesItsPartsUsable) {
  LayerSpec spec;
  spec.shared = 1;
  spec.shared_gate = true;
  const TestLayer parts(spec);
  const dmoe_experts_options shared_options = [&] {
    dmoe_experts_options o = experts_options(spec.format);
    o.experts = 1;
    o.use_bias = 0;
    return o;
  }();
  dmoe_experts* shared = nullptr;
  ASSERT_EQ(dmoe_experts_create(&shared_options, &shared), DMOE_OK) << dmoe_last_error();
  const std::vector<float> matrix(32 * 48, 0.25f), gate(32, 0.5f);
  const dmoe_expert_weights weights{sizeof(dmoe_expert_weights),
                                    DMOE_DTYPE_F32,
                                    matrix.data(),
                                    matrix.data(),
                                    matrix.data(),
                                    nullptr,
                                    nullptr,
                                    nullptr};
  ASSERT_EQ(dmoe_experts_set(shared, 0, &weights), DMOE_OK) << dmoe_last_error();
  dmoe_layer_options options{};
  options.struct_size = sizeof options;
  options.max_tokens = 16;
  options.shared = shared;
  options.shared_gate = gate.data();
  // Engine, weights of the shared gate, handle.
  EXPECT_EQ(each_failed_creation<dmoe_layer>(
                [&](dmoe_layer** layer) {
                  return dmoe_layer_create(&options, parts.router(), parts.experts(), layer);
                },
                dmoe_layer_destroy),
            3);
  dmoe_experts_destroy(shared);
}

TEST_F(OutOfMemory, LinearCreate_WhateverAllocationFails_LeavesNothing) {
  const std::vector<float> weights(32 * 48, 0.5f), bias(48, 0.1f);
  dmoe_linear_options options{};
  options.struct_size = sizeof options;
  options.inputs = 32;
  options.outputs = 48;
  options.weights = weights.data();
  options.bias = bias.data();
  // Engine, bias, weights, handle.
  EXPECT_EQ(
      each_failed_creation<dmoe_linear>(
          [&](dmoe_linear** linear) { return dmoe_linear_create(&options, linear); }, dmoe_linear_destroy),
      4);
}

}  // namespace
}  // namespace dmoe::test
