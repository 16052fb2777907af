// Warp instructions of the interpreter, and so of the simulator: lanes against the manual's formulas.
#include <gtest/gtest.h>

#include <bit>
#include <functional>

#include "cuda/ptx/snippet.hpp"
#include "cuda/sim/collectives.hpp"

namespace dmoe::test {
namespace {

struct Case {
  const char* body;  // %t0 = lane
  std::function<uint32_t(uint32_t lane)> expected;
};

TEST(CudaPtxWarp, OfAnyLane_IsThatOfTheManual) {
  using L = uint32_t;
  const Case cases[] = {
      {"shfl.sync.idx.b32 %o, %t0, 5, 31, -1;", [](L) { return L{5}; }},
      {"shfl.sync.idx.b32 %o, %t0, 5, 0x181f, -1;", [](L l) { return l / 8 * 8 + 5; }},  // width 8
      {"shfl.sync.up.b32 %o, %t0, 3, 0, -1;", [](L l) { return l < 3 ? l : l - 3; }},
      {"shfl.sync.down.b32 %o|%p, %t0, 3, 31, -1; selp.b32 %o1, 1, 0, %p;",
       [](L l) { return l + 3 > 31 ? l : l + 3; }},
      {"shfl.sync.bfly.b32 %o, %t0, 6, 31, -1;", [](L l) { return l ^ 6; }},
      {"setp.lt.u32 %p, %t0, 5; vote.sync.ballot.b32 %o, %p, -1;", [](L) { return L{31}; }},
      {"setp.eq.u32 %p, %t0, 9; vote.sync.any.pred %q, %p, -1; selp.b32 %o, 1, 0, %q;",
       [](L) { return L{1}; }},
      {"setp.lt.u32 %p, %t0, 31; vote.sync.all.pred %q, %p, -1; selp.b32 %o, 1, 0, %q;",
       [](L) { return L{0}; }},
      {"and.b32 %t1, %t0, 1; match.any.sync.b32 %o, %t1, -1;",
       [](L l) { return l % 2 ? 0xaaaaaaaau : 0x55555555u; }},
      {"redux.sync.add.s32 %o, %t0, -1;", [](L) { return L{496}; }},
      {"sub.s32 %t1, %t0, 4; redux.sync.min.s32 %o, %t1, -1;", [](L) { return static_cast<L>(-4); }},
      {"sub.s32 %t1, %t0, 4; redux.sync.max.u32 %o, %t1, -1;", [](L) { return static_cast<L>(-1); }},
      {"redux.sync.xor.b32 %o, %t0, -1;", [](L) { return L{0}; }},
      // Half of the warp by itself.
      {"setp.lt.u32 %p, %t0, 16; @%p redux.sync.add.s32 %o, %t0, 0xffff; bar.warp.sync -1;",
       [](L l) { return l < 16 ? L{120} : L{0}; }},
      {"mov.u32 %o, %laneid;", [](L l) { return l; }},
  };
  for (const Case& it : cases) {
    const auto out = run_snippet("mov.u32 %t0, %tid.x;" + std::string(it.body), {});
    for (uint32_t lane = 0; lane < 32; ++lane) EXPECT_EQ(out[2 * lane], it.expected(lane)) << it.body << lane;
  }
}

TEST(CudaPtxWarp, WhenTheWholeBlockVotes_EachThreadKnows) {
  const auto out = run_snippet(
      "mov.u32 %t0, %tid.x; setp.eq.u32 %p, %t0, 3; bar.red.or.pred %q, 0, %p; selp.b32 %o, 1, 0, %q; "
      "bar.red.popc.u32 %o1, 0, %p;",
      {});
  for (size_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(out[2 * lane], 1u);
    EXPECT_EQ(out[2 * lane + 1], 1u);
  }
}

// Element (i, j) of an 8x8 matrix goes to lane 4 i + j / 2; transposed to lane 4 j + i / 2.
TEST(CudaPtxWarp, OfLdmatrix_EachLaneHasItsPair) {
  for (const bool transposed : {false, true}) {
    // Row r of the four matrices holds 8 r .. 8 r + 7.
    const auto out = run_snippet(
        std::string(".shared .align 16 .b8 wide[512]; mov.u32 %t0, %tid.x; shl.b32 %t1, %t0, 3; mul.lo.s32 "
                    "%t2, %t1, 0x10001; add.s32 %t2, %t2, 0x10000;"
                    "mov.u64 %t3, wide; shl.b32 %t4, %t0, 4; add.s64 %t3, %t3, %t4;"
                    "st.shared.u32 [%t3], %t2; add.s32 %t2, %t2, 0x20002; st.shared.u32 [%t3+4], %t2;"
                    "add.s32 %t2, %t2, 0x20002; st.shared.u32 [%t3+8], %t2; add.s32 %t2, %t2, 0x20002;"
                    "st.shared.u32 [%t3+12], %t2; bar.sync 0;") +
            "ldmatrix.sync.aligned.m8n8.x4" + (transposed ? ".trans" : "") +
            ".shared.b16 {%o, %t6, %t7, %t8}, [%t3]; mov.b64 %o, {%o, %t6}; mov.b64 %o1, {%t7, %t8};",
        {});
    for (uint32_t lane = 0; lane < 32; ++lane) {
      for (uint32_t matrix = 0; matrix < 4; ++matrix) {
        const auto part = static_cast<uint32_t>(out[2 * lane + matrix / 2] >> 32 * (matrix % 2));
        for (uint32_t e = 0; e < 2; ++e) {
          const uint32_t i = lane / 4, j = lane % 4 * 2 + e;
          const uint32_t expected = 64 * matrix + (transposed ? 8 * j + i : 8 * i + j);
          EXPECT_EQ(part >> 16 * e & 0xffff, expected) << lane << " " << matrix << " " << e;
        }
      }
    }
  }
}

// The manual's own formulas for mma.m16n8k16 with 16-bit elements: group = lane / 4, member = lane % 4.
TEST(CudaPtxWarp, OfMma_IsTheProductOfTheMatrices) {
  uint16_t a[16][16], b[16][8];
  float c[16][8];
  uint32_t state = 1;
  const auto small = [&] {
    return static_cast<int>((state = state * 1664525u + 1013904223u) >> 24) % 16 - 8;
  };
  const auto bf16 = [](int x) {
    return static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(x)) >> 16);
  };
  const auto value = [](uint16_t x) { return std::bit_cast<float>(uint32_t{x} << 16); };
  for (auto& row : a)
    for (auto& x : row) x = bf16(small());
  for (auto& row : b)
    for (auto& x : row) x = bf16(small());
  for (auto& row : c)
    for (auto& x : row) x = static_cast<float>(small());
  sim::MmaIn in[32] = {};
  sim::MmaOut out[32];
  const void* ins[32];
  void* outs[32];
  for (int lane = 0; lane < 32; ++lane) {
    const int group = lane >> 2, member = lane % 4;
    for (int i = 0; i < 8; ++i) {  // a0 .. a7
      const int row = i < 2 || (i >= 4 && i < 6) ? group : group + 8;
      const int column = i < 4 ? member * 2 + (i & 1) : member * 2 + (i & 1) + 8;
      in[lane].a[i / 2] |= uint32_t{a[row][column]} << 16 * (i % 2);
    }
    for (int i = 0; i < 4; ++i) {  // b0 .. b3, c0 .. c3
      const int row = i < 2 ? member * 2 + (i & 1) : member * 2 + (i & 1) + 8;
      in[lane].b[i / 2] |= uint32_t{b[row][group]} << 16 * (i % 2);
      in[lane].c[i] = c[i < 2 ? group : group + 8][member * 2 + (i & 1)];
    }
    ins[lane] = &in[lane];
    outs[lane] = &out[lane];
  }
  sim::mma_m16n8k16_bf16(0xffffffffu, ins, outs);
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const int row = i < 2 ? lane >> 2 : (lane >> 2) + 8, column = lane % 4 * 2 + (i & 1);
      float sum = c[row][column];
      for (int k = 0; k < 16; ++k) sum += value(a[row][k]) * value(b[k][column]);  // whole numbers: exact
      EXPECT_EQ(out[lane].d[i], sum) << lane << " " << i;
    }
  }
}

}  // namespace
}  // namespace dmoe::test
