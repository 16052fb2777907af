// The simulator itself: what waits for ever is reported, with its place.
#include "cuda/sim/engine.hpp"

#include <gtest/gtest.h>

#include "cuda/sim/language.hpp"

namespace dmoe::sim {
namespace {

void nothing(void*) {}

/** The error of a kernel that breaks a rule, by every schedule the same in kind; "" when there is none. */
std::string error_of(void (*body)(void*), unsigned threads, uint32_t seed) {
  try {
    run({"broken", 1, threads, seed, nothing, body, nullptr});
  } catch (const LaunchError& e) {
    return e.what();
  }
  return "";
}

struct Broken {
  const char* what;
  void (*body)(void*);
  unsigned threads;
  const char* message;
};
const Broken kBroken[] = {
    {"half of a warp shuffles with a full mask",
     [](void*) {
       if (threadIdx.x < 16) __shfl_sync(0xffffffffu, 1, 0);
     },
     32, "returned"},
    {"a lane outside of its own mask", [](void*) { __syncwarp(threadIdx.x == 3 ? 0x1u : 1u << threadIdx.x); },
     32, "calling lane is not in the mask"},
    {"a mask that names more lanes than there are", [](void*) { __syncwarp(); }, 20, "does not exist"},
    {"one warp waits in a barrier, the other in a warp operation",
     [](void*) {
       if (threadIdx.x < 32) {
         __syncthreads();
       } else {
         __syncwarp(threadIdx.x == 33 ? 0x3u : 0xffffffffu);
       }
     },
     64, "deadlock"},
    {"a barrier after threads have returned",
     [](void*) {
       if (threadIdx.x == 5) return;
       __syncthreads();
     },
     64, "returned"},
    {"two barriers",
     [](void*) {
       if (threadIdx.x < 32) {
         __syncthreads();
       } else {
         __syncthreads_or(1);
       }
     },
     64, "divergent barrier"},
    {"an exception",
     [](void*) {
       fail({"a/here.cu", 7}, "no more");
     },
     32, "here.cu:7: no more"},
};

TEST(CudaEngine, WhenAKernelCannotGoOn_SaysWhere) {
  for (const Broken& broken : kBroken) {
    for (uint32_t seed : {0u, 1u, 2u, 3u}) {
      const std::string error = error_of(broken.body, broken.threads, seed);
      EXPECT_NE(error.find("broken, block (0, 0, 0), seed"), std::string::npos)
          << broken.what << ": " << error;
      EXPECT_NE(error.find(broken.message), std::string::npos) << broken.what << ": " << error;
    }
  }
}

}  // namespace
}  // namespace dmoe::sim
