// A few PTX instructions as an entry: for the tests of the interpreter.
#ifndef DYNAMICMOE_TESTS_CUDA_PTX_SNIPPET_HPP_
#define DYNAMICMOE_TESTS_CUDA_PTX_SNIPPET_HPP_

#include <array>
#include <cstdint>
#include <string>

#include "cuda/ptx/module.hpp"
#include "cuda/ptx/run.hpp"

namespace dmoe::test {

/** One warp runs `body`. %a to %d hold its operands; %o, and %o1 where there are two, go out; all are 64 bits
 * wide and carry any type. %p, %q are predicates; `shared` has 256 bytes, `spare` has 64 of local memory. */
inline ptx::Module snippet(const std::string& body) {
  return ptx::parse(R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry snippet(.param .u64 out, .param .align 8 .b8 in[32]) {
  .reg .b64 %a, %b, %c, %d, %o, %o1, %to;
  .reg .b64 %t<10>;
  .reg .pred %p, %q;
  .shared .align 16 .b8 shared[256];
  .local .align 16 .b8 spare[64];
  mov.u64 %o, 0;
  mov.u64 %o1, 0;
  ld.param.u64 %a, [in];
  ld.param.u64 %b, [in+8];
  ld.param.u64 %c, [in+16];
  ld.param.u64 %d, [in+24];
)" + body + R"(
  ld.param.u64 %to, [out];
  mov.u32 %t9, %tid.x;
  mad.wide.u32 %to, %t9, 16, %to;
  st.global.v2.u64 [%to], {%o, %o1};
  ret;
})");
}

struct SnippetTask {
  uint64_t* out;
  uint64_t in[4];
};
/** {%o, %o1} of each lane. Throws what parsing and launching throw. */
inline std::array<uint64_t, 64> run_snippet(const std::string& body, const std::array<uint64_t, 4>& in,
                                            unsigned threads = 32) {
  const ptx::Module module = snippet(body);
  std::array<uint64_t, 64> out{};
  const SnippetTask task{out.data(), {in[0], in[1], in[2], in[3]}};
  ptx::launch(module.entries.at("snippet"), 1, threads, 0, &task, 1, nullptr);
  return out;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_PTX_SNIPPET_HPP_
