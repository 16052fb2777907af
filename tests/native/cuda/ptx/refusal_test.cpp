// What the interpreter refuses: text that it does not know, and accesses that a device would punish or,
// worse, forgive.
#include <gtest/gtest.h>

#include "cuda/ptx/snippet.hpp"

namespace dmoe::test {
namespace {

struct Case {
  std::string body;
  const char* message;
};

TEST(CudaPtxText, WhenNotKnown_IsRefusedByNameAndLine) {
  const Case cases[] = {
      {"and.s32 %o, %a, %b;", "line 17: unknown instruction and.s32"},
      {"\nfoo.u32 %o, %a;", "line 18: unknown instruction foo.u32"},
      {"add.f32 %o, %a, %b;", "unknown instruction add.f32"},  // might be contracted
      {"mul.f32 %o, %a, %b;", "unknown instruction mul.f32"},
      {"atom.global.add.f32 %o, [%a], %b;",
       "unknown instruction atom.global.add.f32"},  // order decides the sum
      {"mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%o,%o,%o,%o},{%a,%a},{%b},{%o,%o,%o,%o};",
       "unknown instruction mma"},
      {"add.s32 %o, %a;", "add.s32 with 2 operands"},
      {"add.s32 %o, %a, %z;", "unknown operand %z"},
      {"mov.u32 %o, %t10;", "unknown operand %t10"},
      {"bra $nowhere;", "no label $nowhere"},
      {"$twice: $twice: mov.u32 %o, 1;", "a label twice"},
      {".shared .align 4 .b8 more[4] = {1};", "expected ;"},
      {"call foo;", "unknown"},
  };
  for (const Case& it : cases) {
    try {
      snippet(it.body);
      ADD_FAILURE() << it.body;
    } catch (const ptx::ParseError& e) {
      EXPECT_NE(std::string(e.what()).find(it.message), std::string::npos) << it.body << ": " << e.what();
    }
  }
}

TEST(CudaPtxAccess, WhenOutsideOfItsMemory_EndsTheLaunch) {
  alignas(16) static uint32_t source[4] = {};
  const auto address = reinterpret_cast<uint64_t>(source);
  const Case cases[] = {
      {"ld.shared.u32 %o, [shared+256];", "4 bytes of shared memory at 0x100: out of range"},
      {"st.shared.v4.u32 [shared+232], {%b, %b, %b, %b};", "not aligned"},
      {"st.shared.u32 [shared+2], %b;", "not aligned"},
      {"ld.shared.u32 %o, [shared+-4];", "out of range"},
      {"ld.param.u64 %o, [in+32];", "parameter memory"},
      {"st.local.u32 [spare+64], %b;", "local memory"},
      {"mov.u64 %t0, 0; ld.global.u32 %o, [%t0];", "global memory at 0x0: out of range"},
      {"ld.global.u32 %o, [%a+1];", "not aligned"},
      {"mov.u64 %t0, shared; cvta.shared.u64 %t0, %t0; ld.global.u32 %o, [%t0];", "global memory"},
      {"cvta.to.shared.u64 %t0, %a;", "is not in the memory that cvta.to names"},
      {"mov.u64 %t0, shared; cp.async.cg.shared.global [%t0+8], [%a], 16, 16;", "not aligned"},
      {"mov.u64 %t0, shared; cp.async.cg.shared.global [%t0], [%a+8], 16, 16;", "not aligned"},
      {"mov.u64 %t0, shared; add.s64 %t0, %t0, 8; "
       "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%o}, [%t0];",
       "not aligned"},
      {"div.u32 %o, %b, 0;", "a division by zero"},
      {"bar.sync 1;", "another barrier than 0"},
      {"mov.u32 %t0, %tid.x; setp.eq.u32 %p, %t0, 0; @%p ret; bar.sync 0;", "returned"},
      {"mov.u32 %t0, %tid.x; setp.lt.u32 %p, %t0, 16; @%p bra $half; bar.sync 0;\n$half: bar.sync 0;",
       "divergent barrier"},
      {"shfl.sync.idx.b32 %o, %b, 0, 31, 1;", "the calling lane is not in the mask"},
  };
  for (const Case& it : cases) {
    try {
      run_snippet(it.body, {address, 1});
      ADD_FAILURE() << it.body;
    } catch (const sim::LaunchError& e) {
      EXPECT_NE(std::string(e.what()).find(it.message), std::string::npos) << it.body << ": " << e.what();
    }
  }
}

TEST(CudaPtxLaunch, WhenTooLarge_IsRefused) {
  const ptx::Module module = ptx::parse(
      ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry e() .maxntid 64, 1, 1 { .shared .align "
      "4 .b8 s[1024]; "
      ".reg .b64 %r; mov.u64 %r, s; ret; }");
  const ptx::Entry& entry = module.entries.at("e");
  EXPECT_NO_THROW(ptx::launch(entry, 1, 64, sim::kMaxShared - 1024, nullptr, 0, nullptr));
  EXPECT_THROW(ptx::launch(entry, 1, 65, 0, nullptr, 0, nullptr), sim::LaunchError);
  EXPECT_THROW(ptx::launch(entry, 1, 64, sim::kMaxShared, nullptr, 0, nullptr), sim::LaunchError);
  EXPECT_THROW(ptx::launch(entry, {1, 65536}, 64, 0, nullptr, 0, nullptr), sim::LaunchError);
}

}  // namespace
}  // namespace dmoe::test
