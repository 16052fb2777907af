// What does this machine do at most, with 1..n of the pool's threads?
//   dynamicmoe_limits [milliseconds per line, 100..60000, default 3000]
// DYNAMIC_MOE_ISA chooses the level. Read on an idle machine: each figure is the best of many short passes,
// but what never stops takes its share from all of them.
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "dynamicmoe/dynamicmoe.h"

namespace {

void require(dmoe_status status) {
  if (status == DMOE_OK) return;
  std::fprintf(stderr, "%s: %s\n", dmoe_status_name(status), dmoe_last_error());
  std::exit(1);
}

void print(const dmoe_machine_limits& m) {
  constexpr double kGiga = 1e-9;
  std::printf("%7d %7.0f %7.0f %7.0f %8.1f %7d %6s ", m.threads, m.f32_flops * kGiga, m.bf16_flops * kGiga,
              m.int8_ops * kGiga, m.read_bytes * kGiga, m.read_streams, m.read_huge_pages ? "huge" : "4K");
  for (double rate :
       {m.read_1_small, m.read_4_small, m.read_8_small, m.read_1_huge, m.read_4_huge, m.read_8_huge})
    std::printf(" %7.1f", rate * kGiga);
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  const int milliseconds = argc > 1 ? std::atoi(argv[1]) : 3000;
  dmoe_runtime_info info{};
  info.struct_size = sizeof info;
  require(dmoe_runtime_query(&info));
  std::printf("%s, level %s, %d cores, L2 %.1f MiB per core, L3 %.1f MiB in all\n", info.cpu_name,
              dmoe_isa_name(static_cast<dmoe_isa>(info.isa)), info.physical_cores,
              static_cast<double>(info.l2_bytes) / (1 << 20), static_cast<double>(info.l3_bytes) / (1 << 20));
  std::printf("f32, bf16 and int8 in 10^9 operations per second, reads in 10^9 bytes per second\n");
  std::printf("%7s %7s %7s %7s %8s %7s %6s %7s %7s %7s %7s %7s %7s\n", "threads", "f32", "bf16", "int8",
              "read", "streams", "pages", "1/4K", "4/4K", "8/4K", "1/huge", "4/huge", "8/huge");
  for (int threads = 1; threads <= info.pool_threads; ++threads) {
    dmoe_machine_limits m{};
    m.struct_size = sizeof m;
    require(dmoe_machine_limits_measure(threads, DMOE_ISA_AUTO, milliseconds, 0, &m));
    print(m);
  }
  return 0;
}
