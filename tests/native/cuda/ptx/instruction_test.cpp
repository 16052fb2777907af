// Single instructions of the interpreter against what the PTX manual says of them.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cuda/ptx/snippet.hpp"

namespace dmoe::test {
namespace {

constexpr uint64_t F(float x) { return std::bit_cast<uint32_t>(x); }
constexpr uint64_t D(double x) { return std::bit_cast<uint64_t>(x); }
constexpr uint64_t S(int64_t x) { return static_cast<uint64_t>(x); }
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
  const char* body;
  std::array<uint64_t, 4> in;  // %a, %b, %c, %d
  uint64_t expected;           // the low `bits` of %o
  int bits = 32;
};

void check(const Case& it) {
  const uint64_t mask = it.bits == 64 ? ~uint64_t{0} : (uint64_t{1} << it.bits) - 1;
  try {
    const uint64_t actual = run_snippet(it.body, it.in, 1)[0];
    EXPECT_EQ(actual & mask, it.expected & mask) << it.body;
  } catch (const std::exception& e) {
    ADD_FAILURE() << it.body << ": " << e.what();
  }
}

TEST(CudaPtxInstruction, OnIntegers_IsThatOfTheManual) {
  const Case cases[] = {
      {"add.s32 %o, %a, %b;", {0x7fffffff, 1}, 0x80000000},
      {"add.s64 %o, %a, -1;", {0}, ~uint64_t{0}, 64},
      {"sub.s32 %o, %a, %b;", {3, 5}, S(-2)},
      {"mul.lo.s32 %o, %a, %b;", {0x10001, 0x10001}, 0x20001},
      {"mul.lo.s64 %o, %a, %b;", {S(-3), 7}, S(-21), 64},
      {"mul.hi.u32 %o, %a, %b;", {0x80000000, 6}, 3},
      {"mul.hi.s32 %o, %a, %b;", {S(-1), 1}, S(-1)},
      {"mul.hi.u64 %o, %a, %b;", {uint64_t{1} << 63, 6}, 3, 64},
      {"mul.hi.u16 %o, %a, %b;", {0x8000, 6}, 3, 16},
      {"mul.wide.s32 %o, %a, %b;", {S(-3), 0x40000000}, S(-3) * 0x40000000, 64},
      {"mul.wide.u32 %o, %a, %b;", {0xffffffff, 2}, 0x1fffffffe, 64},
      {"mul.wide.u16 %o, %a, %b;", {0xffff, 0xffff}, 0xfffe0001},
      {"mad.lo.s32 %o, %a, %b, %c;", {3, S(-4), 5}, S(-7)},
      {"mad.wide.s32 %o, %a, %b, %c;", {S(-2), 3, uint64_t{1} << 40}, (uint64_t{1} << 40) - 6, 64},
      {"div.s32 %o, %a, %b;", {S(-7), 2}, S(-3)},
      {"div.u32 %o, %a, %b;", {0xfffffff9, 2}, 0x7ffffffc},
      {"div.s32 %o, %a, %b;", {0x80000000, S(-1)}, 0x80000000},
      {"rem.s32 %o, %a, %b;", {S(-7), 2}, S(-1)},
      {"rem.u64 %o, %a, %b;", {100, 7}, 2, 64},
      {"min.s32 %o, %a, %b;", {S(-1), 1}, S(-1)},
      {"min.u32 %o, %a, %b;", {S(-1), 1}, 1},
      {"max.s32 %o, %a, %b;", {S(-1), 1}, 1},
      {"max.u64 %o, %a, %b;", {S(-1), 1}, S(-1), 64},
      {"neg.s32 %o, %a;", {5}, S(-5)},
      {"abs.s32 %o, %a;", {S(-5)}, 5},
      {"dp4a.s32.s32 %o, %a, %b, %c;", {0xff010203, 0x02010101, 10}, 14},
      {"dp4a.u32.u32 %o, %a, %b, %c;", {0xff000000, 0x02000000, 1}, 511},
      {"setp.lt.s32 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {S(-1), 1}, 1},
      {"setp.lt.u32 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {S(-1), 1}, 0},
      {"setp.ge.s64 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {S(-1), S(-1)}, 1},
      {"setp.ne.b32 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {uint64_t{1} << 32, 0}, 0},
      {"setp.eq.s16 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {0x18000, 0x8000}, 1},
  };
  for (const Case& it : cases) check(it);
}

TEST(CudaPtxInstruction, OnBits_IsThatOfTheManual) {
  const Case cases[] = {
      {"shl.b32 %o, %a, %b;", {1, 31}, 0x80000000},
      {"shl.b32 %o, %a, %b;", {1, 32}, 0},
      {"shr.u32 %o, %a, %b;", {0x80000000, 31}, 1},
      {"shr.u32 %o, %a, %b;", {0x80000000, 32}, 0},
      {"shr.s32 %o, %a, %b;", {0x80000000, 40}, 0xffffffff},
      {"shr.s64 %o, %a, %b;", {S(-8), 1}, S(-4), 64},
      {"shf.l.wrap.b32 %o, %a, %b, %c;", {0x80000001, 0x12345678, 4}, 0x23456788},
      {"shf.r.wrap.b32 %o, %a, %b, %c;", {0x80000001, 0x12345678, 36}, 0x88000000},
      {"shf.r.clamp.b32 %o, %a, %b, %c;", {0x80000001, 0x12345678, 36}, 0x12345678},
      {"bfe.u32 %o, %a, 4, 8;", {0xabcd}, 0xbc},
      {"bfe.u32 %o, %a, 28, 8;", {0xa0000000}, 0xa},
      {"bfe.s32 %o, %a, 4, 8;", {0xabcd}, 0xffffffbc},
      {"bfe.s32 %o, %a, 28, 8;", {0xa0000000}, 0xfffffffa},
      {"bfe.s64 %o, %a, 0, 32;", {0x80000000}, 0xffffffff80000000, 64},
      {"bfe.u32 %o, %a, 4, 0;", {0xabcd}, 0},
      {"bfi.b32 %o, %a, %b, 8, 4;", {0xf5, 0x12345678}, 0x12345578},
      {"prmt.b32 %o, %a, %b, 0x5410;", {0xddccbbaa, 0x44332211}, 0x2211bbaa},
      {"prmt.b32 %o, %a, %b, 0x0b70;", {0xddccbbaa, 0x44332211}, 0xaaff44aa},
      {"lop3.b32 %o, %a, %b, %c, 0xe8;", {0x0f, 0x33, 0x55}, 0x17},
      {"popc.b32 %o, %a;", {0xf0f}, 8},
      {"clz.b32 %o, %a;", {1}, 31},
      {"clz.b64 %o, %a;", {0}, 64},
      {"brev.b32 %o, %a;", {1}, 0x80000000},
      {"not.b32 %o, %a;", {0xffff}, 0xffff0000},
      {"xor.b64 %o, %a, %b;", {S(-1), 1}, S(-2), 64},
      {"mov.b64 %o, {%a, %b};", {1, 2}, 0x200000001, 64},
      {"mov.b64 {%t0, %o}, %a;", {0x200000001}, 2},
      {"{ .reg .b16 l, h; mov.b32 {l, h}, %a; mov.b32 %o, {h, l}; }", {0x12345678}, 0x56781234},
      {"mov.pred %p, -1; not.pred %q, %p; @!%q mov.u32 %o, 7; @%q mov.u32 %o, 8;", {}, 7},
      {"mov.pred %p, 0; mov.pred %q, -1; xor.pred %p, %p, %q; selp.b32 %o, 1, 2, %p;", {}, 1},
  };
  for (const Case& it : cases) check(it);
}

TEST(CudaPtxInstruction, OnFloats_IsThatOfTheManual) {
  const float tiny = 1e-40f;
  const Case cases[] = {
      {"add.rn.f32 %o, %a, %b;", {F(1.0f), F(0x1p-24f)}, F(1.0f)},
      {"mul.rn.f32 %o, %a, %b;", {F(3.0f), F(-0.5f)}, F(-1.5f)},
      {"fma.rn.f32 %o, %a, %b, %c;",
       {F(1.0f + 0x1p-12f), F(1.0f + 0x1p-12f), F(-1.0f)},
       F(0x1p-11f + 0x1p-24f)},
      {"fma.rn.f64 %o, %a, %b, %c;", {D(2), D(3), D(0.5)}, D(6.5), 64},
      {"div.rn.f32 %o, %a, %b;", {F(1.0f), F(3.0f)}, F(1.0f / 3.0f)},
      {"sqrt.rn.f32 %o, %a;", {F(2.0f)}, F(std::sqrt(2.0f))},
      {"rcp.rn.f32 %o, %a;", {F(3.0f)}, F(1.0f / 3.0f)},
      {"min.f32 %o, %a, %b;", {F(kNan), F(1.0f)}, F(1.0f)},
      {"max.f32 %o, %a, %b;", {F(-0.0f), F(0.0f)}, F(0.0f)},
      {"min.f32 %o, %a, %b;", {F(0.0f), F(-0.0f)}, F(-0.0f)},
      {"max.f32 %o, %a, %b;", {F(kNan), F(kNan)}, 0x7fffffff},
      {"abs.f32 %o, %a;", {F(-2.0f)}, F(2.0f)},
      {"neg.f32 %o, %a;", {F(0.0f)}, F(-0.0f)},
      {"copysign.f32 %o, %a, %b;", {F(-1.0f), F(3.0f)}, F(-3.0f)},
      {"ex2.approx.ftz.f32 %o, %a;", {F(3.0f)}, F(8.0f)},
      {"ex2.approx.ftz.f32 %o, %a;", {F(-127.0f)}, F(0.0f)},
      {"lg2.approx.ftz.f32 %o, %a;", {F(8.0f)}, F(3.0f)},
      {"lg2.approx.ftz.f32 %o, %a;", {F(tiny)}, F(-kInfinity)},
      {"fma.rn.bf16x2 %o, %a, %b, %c;", {0x40003f80, 0x40404000, 0x3f80bf80}, 0x40e03f80},  // {2*3+1, 1*2-1}
      {"setp.lt.f32 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {F(kNan), F(1.0f)}, 0},
      {"setp.ltu.f32 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {F(kNan), F(1.0f)}, 1},
      {"setp.gt.f32 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {F(2.0f), F(1.0f)}, 1},
      {"setp.nan.f32 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {F(kNan), F(1.0f)}, 1},
      {"setp.num.f32 %p, %a, %b; selp.b32 %o, 1, 0, %p;", {F(kNan), F(1.0f)}, 0},
      {"selp.f32 %o, 0f3F800000, 0f40000000, 0; ", {}, F(2.0f)},
  };
  for (const Case& it : cases) check(it);
}

TEST(CudaPtxInstruction, OfConversion_IsThatOfTheManual) {
  const Case cases[] = {
      {"cvt.u32.u64 %o, %a;", {0x1234567890}, 0x34567890},
      {"cvt.s64.s32 %o, %a;", {0x80000000}, 0xffffffff80000000, 64},
      {"cvt.u64.u32 %o, %a;", {0x180000000}, 0x80000000, 64},
      {"cvt.s8.s32 %o, %a;", {0x1ff}, S(-1)},
      {"cvt.u16.u32 %o, %a;", {0x12345}, 0x2345, 16},
      {"cvt.rn.f32.s32 %o, %a;", {S(-16777217)}, F(-16777216.0f)},
      {"cvt.rn.f32.u64 %o, %a;", {uint64_t{1} << 63}, F(0x1p63f)},
      {"cvt.f64.f32 %o, %a;", {F(1.5f)}, D(1.5), 64},
      {"cvt.rn.f32.f64 %o, %a;", {D(1.0 + 0x1p-24)}, F(1.0f)},
      {"cvt.rzi.s32.f32 %o, %a;", {F(-1.9f)}, S(-1)},
      {"cvt.rni.s32.f32 %o, %a;", {F(2.5f)}, 2},
      {"cvt.rmi.s32.f32 %o, %a;", {F(-1.1f)}, S(-2)},
      {"cvt.rzi.s32.f32 %o, %a;", {F(3e9f)}, 0x7fffffff},
      {"cvt.rzi.u32.f32 %o, %a;", {F(-3.0f)}, 0},
      {"cvt.rzi.s32.f32 %o, %a;", {F(kNan)}, 0},
      {"cvt.rzi.s32.f64 %o, %a;", {D(-7.9)}, S(-7)},
      {"cvt.rni.f32.f32 %o, %a;", {F(-2.5f)}, F(-2.0f)},
      {"cvt.rn.bf16x2.f32 %o, %a, %b;", {F(1.0f), F(2.0f)}, 0x3f804000},
      {"cvt.rn.bf16x2.f32 %o, %a, %b;", {0x3f808000, 0x3f818000}, 0x3f803f82},  // ties to even
      {"cvt.f32.f16 %o, %a;", {0x3c00}, F(1.0f)},
      {"cvt.f32.f16 %o, %a;", {0x0001}, F(0x1p-24f)},
      {"cvta.shared.u64 %t0, %a; cvta.to.shared.u64 %o, %t0;", {48}, 48},
  };
  for (const Case& it : cases) check(it);
}

TEST(CudaPtxInstruction, OnMemory_IsThatOfTheManual) {
  const Case cases[] = {
      {"mov.u64 %t0, shared; st.shared.u32 [%t0+8], %a; ld.shared.u32 %o, [shared+8];", {77}, 77},
      {"st.shared.v4.u32 [shared], {%a, %b, %c, %d}; ld.shared.v2.u64 {%t0, %o}, [shared];",
       {1, 2, 3, 4},
       0x400000003,
       64},
      {"st.shared.b8 [shared], %a; ld.shared.s8 %o, [shared];", {0x80}, S(-128), 64},
      {"st.local.u64 [spare+16], %a; ld.local.u32 %o, [spare+20];", {0x500000006}, 5},
      {"mov.u64 %t0, spare; cvta.local.u64 %t0, %t0; st.u32 [%t0+4], %a; ld.local.u32 %o, [spare+4];",
       {9},
       9},
      {"mov.u64 %t0, shared; cvta.shared.u64 %t0, %t0; st.u32 [%t0+-0], %a; ld.shared.u32 %o, [shared];",
       {9},
       9},
      {"mov.b64 %t0, in; ld.param.u32 %o, [%t0+8];", {0, 5}, 5},
      {"ld.param.v2.u32 {%t0, %o}, [in+16];", {0, 0, 0x700000001}, 7},
      {"ld.shared.u32 %o, [shared];", {}, 0xffffffff},  // never written
      {"st.shared.u32 [shared], 5; atom.shared.add.u32 %t0, [shared], %a; ld.shared.u32 %t1, [shared]; "
       "shl.b32 %o, %t1, 8; "
       "add.s32 %o, %o, %t0;",
       {3},
       0x805},
      {"st.shared.u32 [shared], -2; atom.shared.min.s32 %t0, [shared], %a; ld.shared.u32 %o, [shared];",
       {S(-5)},
       S(-5)},
      {"st.shared.u64 [shared], 9; atom.shared.cas.b64 %o, [shared], 9, %a; ld.shared.u64 %o, [shared];",
       {4},
       4,
       64},
      {"st.shared.u32 [shared], 1; red.shared.max.u32 [shared], %a; ld.shared.u32 %o, [shared];",
       {S(-5)},
       S(-5)},
  };
  for (const Case& it : cases) check(it);
}

TEST(CudaPtxInstruction, OfAsynchronousCopies_LandsAtTheWaitAndNotBefore) {
  alignas(16) uint32_t source[4] = {1, 2, 3, 4};
  const auto address = reinterpret_cast<uint64_t>(source);
  const std::string start =
      "mov.u64 %t0, shared; cp.async.cg.shared.global [%t0], [%a], 16, %b; cp.async.commit_group; ";
  const std::string then = " ld.shared.v2.u32 {%o, %t1}, [shared]; ld.shared.u32 %o1, [shared+12];";
  EXPECT_EQ(run_snippet(start + then, {address, 16}, 1)[0], 0xffffffffu);
  EXPECT_EQ(run_snippet(start + "cp.async.wait_group 1;" + then, {address, 16}, 1)[0], 0xffffffffu);
  const auto whole = run_snippet(start + "cp.async.wait_group 0;" + then, {address, 16}, 1);
  EXPECT_EQ(whole[0], 1u);
  EXPECT_EQ(whole[1], 4u);
  const auto part = run_snippet(start + "cp.async.wait_group 0;" + then, {address, 8}, 1);
  EXPECT_EQ(part[0], 1u);
  EXPECT_EQ(part[1], 0u);
}

}  // namespace
}  // namespace dmoe::test
