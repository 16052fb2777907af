// A context, a stream and a pool on the simulated driver, and a small kernel: out[i] = i + bias for i below
// count.
#ifndef DYNAMICMOE_TESTS_CUDA_DRIVER_DRIVER_FIXTURE_HPP_
#define DYNAMICMOE_TESTS_CUDA_DRIVER_DRIVER_FIXTURE_HPP_

#include <gtest/gtest.h>

#include "cuda/driver/simulated_driver.hpp"

namespace dmoe::test {

inline constexpr const char* kCountPtx = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry count_up(.param .align 8 .b8 task[16])
.maxntid 64, 1, 1
{
  .reg .pred %p<2>;
  .reg .b32 %r<6>;
  .reg .b64 %rd<5>;
  ld.param.u64 %rd1, [task];
  ld.param.u32 %r1, [task+8];
  ld.param.u32 %r2, [task+12];
  mov.u32 %r3, %tid.x;
  setp.ge.u32 %p1, %r3, %r1;
  @%p1 bra $done;
  add.s32 %r4, %r3, %r2;
  cvta.to.global.u64 %rd2, %rd1;
  mul.wide.u32 %rd3, %r3, 4;
  add.s64 %rd4, %rd2, %rd3;
  st.global.u32 [%rd4], %r4;
$done:
  ret;
}
)";

struct CountTask {
  cuda::DevicePointer out;
  uint32_t count, bias;
};

/** Everything that a call needs; gives all of it back at its end. */
class DriverSession {
 public:
  explicit DriverSession(const std::string& settings = "") : driver(settings), api(driver.api()) {
    EXPECT_EQ(api.cuInit(0), cuda::kSuccess);
    EXPECT_EQ(api.cuDevicePrimaryCtxRetain(&context, 0), cuda::kSuccess);
    EXPECT_EQ(api.cuCtxPushCurrent_v2(context), cuda::kSuccess);
    EXPECT_EQ(api.cuStreamCreate(&stream, cuda::kStreamNonBlocking), cuda::kSuccess);
    cuda::PoolProperties properties{};
    properties.allocation_type = cuda::kAllocationPinned;
    properties.location_type = cuda::kLocationDevice;
    EXPECT_EQ(api.cuMemPoolCreate(&pool, &properties), cuda::kSuccess);
    uint64_t keep = UINT64_MAX;
    EXPECT_EQ(api.cuMemPoolSetAttribute(pool, cuda::kPoolReleaseThreshold, &keep), cuda::kSuccess);
    EXPECT_EQ(api.cuModuleLoadDataEx(&module, kCountPtx, 0, nullptr, nullptr), cuda::kSuccess);
    EXPECT_EQ(api.cuModuleGetFunction(&function, module, "count_up"), cuda::kSuccess);
  }
  ~DriverSession() {
    api.cuModuleUnload(module);
    api.cuStreamDestroy_v2(stream);
    api.cuMemPoolDestroy(pool);
    cuda::ContextHandle popped = nullptr;
    api.cuCtxPopCurrent_v2(&popped);
    api.cuDevicePrimaryCtxRelease_v2(0);
  }

  cuda::DevicePointer take(size_t bytes) {
    cuda::DevicePointer memory = 0;
    EXPECT_EQ(api.cuMemAllocFromPoolAsync(&memory, bytes, pool, stream), cuda::kSuccess);
    return memory;
  }
  cuda::Result count_up(cuda::DevicePointer out, uint32_t count, uint32_t bias, unsigned threads = 64) {
    CountTask task{out, count, bias};
    void* parameters[] = {&task};
    const cuda::Result result =
        api.cuLaunchKernel(function, 1, 1, 1, threads, 1, 1, 0, stream, parameters, nullptr);
    task = {};  // the driver has its own copy
    return result;
  }

  SimulatedDriver driver;
  const SimulatedApi& api;
  cuda::ContextHandle context = nullptr;
  cuda::StreamHandle stream = nullptr;
  cuda::PoolHandle pool = nullptr;
  cuda::ModuleHandle module = nullptr;
  cuda::FunctionHandle function = nullptr;
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_DRIVER_DRIVER_FIXTURE_HPP_
