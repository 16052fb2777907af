#include "engine/cpu.hpp"

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "core/calls.hpp"
#include "core/status.hpp"
#include "core/thread_pool.hpp"
#include "engine/host.hpp"

namespace dmoe {
namespace {

struct IsaName {
  dmoe_isa isa;
  const char* name;
};
constexpr IsaName kNames[] = {
    {DMOE_ISA_AUTO, "auto"},     {DMOE_ISA_SCALAR, "scalar"},         {DMOE_ISA_AVX2, "avx2"},
    {DMOE_ISA_AVX512, "avx512"}, {DMOE_ISA_AVX512VNNI, "avx512vnni"}, {DMOE_ISA_AVX512BF16, "avx512bf16"},
    {DMOE_ISA_NEON, "neon"},
};

#if defined(__x86_64__)

// Which register files the operating system saves: XCR0.
uint64_t saved_state() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

uint32_t detect_isa(char* name) {
  uint32_t a, b, c, d, isa = 1u << DMOE_ISA_SCALAR;
  uint32_t brand[12] = {};
  for (uint32_t i = 0; i < 3; ++i)
    if (__get_cpuid(0x80000002u + i, &a, &b, &c, &d)) {
      const uint32_t part[4] = {a, b, c, d};
      std::memcpy(brand + i * 4, part, sizeof part);
    }
  std::memcpy(name, brand, sizeof brand);
  name[sizeof brand] = '\0';

  if (!__get_cpuid(1, &a, &b, &c, &d)) return isa;
  const bool fma = c & bit_FMA, f16c = c & bit_F16C, saves = c & bit_OSXSAVE, avx = c & bit_AVX;
  if (!saves || !avx || (saved_state() & 0x6) != 0x6) return isa;
  const uint64_t state = saved_state();
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return isa;
  if (!(b & bit_AVX2) || !fma || !f16c) return isa;
  isa |= 1u << DMOE_ISA_AVX2;
  const uint32_t need = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  if ((b & need) != need || (state & 0xe6) != 0xe6) return isa;
  isa |= 1u << DMOE_ISA_AVX512;
  if (!(c & bit_AVX512VNNI)) return isa;
  isa |= 1u << DMOE_ISA_AVX512VNNI;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & bit_AVX512BF16)) return isa;
  return isa | 1u << DMOE_ISA_AVX512BF16;
}

#elif defined(__aarch64__)

// NEON is part of the architecture.
uint32_t detect_isa(char* name) {
  std::strcpy(name, "AArch64");
  return 1u << DMOE_ISA_SCALAR | 1u << DMOE_ISA_NEON;
}

#else

uint32_t detect_isa(char*) { return 1u << DMOE_ISA_SCALAR; }

#endif

CpuInfo detect() {
  CpuInfo info;
  info.isa_supported = detect_isa(info.name);
  for (const IsaName& entry : kNames)
    if (entry.isa != DMOE_ISA_AUTO && (info.isa_supported & (1u << entry.isa))) info.best = entry.isa;
  read_host(&info);
  set_default_pool_threads(suitable_threads(info));
  set_call_cores(info.physical_cores);
  return info;
}

}  // namespace

const CpuInfo& cpu_info() {
  static const CpuInfo info = detect();
  return info;
}

int suitable_threads(const CpuInfo& info) noexcept {
  int threads = info.physical_cores;
  // A quota of 1.5 cores is best served by two threads that are throttled now and then.
  if (info.cpu_quota > 0 && info.cpu_quota < threads) threads = static_cast<int>(info.cpu_quota + 0.999);
  return threads < 1 ? 1 : threads;
}

const char* isa_name(int32_t isa) noexcept {
  for (const IsaName& entry : kNames)
    if (entry.isa == isa) return entry.name;
  return "unknown";
}

int isa_from_name(const char* name) noexcept {
  for (const IsaName& entry : kNames)
    if (std::strcmp(entry.name, name) == 0) return entry.isa;
  return -1;
}

bool isa_includes(dmoe_isa object, dmoe_isa kernel) noexcept {
  if (kernel == DMOE_ISA_SCALAR || object == kernel) return true;
  return object != DMOE_ISA_NEON && kernel != DMOE_ISA_NEON && kernel <= object;
}

dmoe_isa resolve_isa(int32_t requested) {
  const CpuInfo& info = cpu_info();
  DMOE_REQUIRE(requested >= DMOE_ISA_AUTO && requested <= DMOE_ISA_NEON, DMOE_E_OPTIONS,
               "isa is %d, must be within 0..%d", requested, DMOE_ISA_NEON);
  int level = requested;
  const char* source = "isa";
  if (level == DMOE_ISA_AUTO) {
    const char* forced = std::getenv("DYNAMIC_MOE_ISA");
    if (forced == nullptr || *forced == '\0') return info.best;
    source = "DYNAMIC_MOE_ISA";
    level = isa_from_name(forced);
    DMOE_REQUIRE(
        level >= 0, DMOE_E_BACKEND,
        "DYNAMIC_MOE_ISA is \"%.40s\", must be auto, scalar, avx2, avx512, avx512vnni, avx512bf16 or neon",
        forced);
    if (level == DMOE_ISA_AUTO) return info.best;
  }
  DMOE_REQUIRE(info.isa_supported & (1u << level), DMOE_E_BACKEND,
               "%s asks for %s, which this processor (%s) does not run; its best level is %s", source,
               isa_name(level), info.name, isa_name(info.best));
  return static_cast<dmoe_isa>(level);
}

const char* isa_reason() {
  // Static storage for every answer, so that callers may keep the pointer.
#define DMOE_REASONS(level)                                             \
  {                                                                     \
    level ", because DYNAMIC_MOE_ISA says so",                          \
        level ", because it is the best level that this processor runs" \
  }
  static constexpr const char* kReasons[][2] = {
      DMOE_REASONS("auto"),       DMOE_REASONS("scalar"),     DMOE_REASONS("avx2"), DMOE_REASONS("avx512"),
      DMOE_REASONS("avx512vnni"), DMOE_REASONS("avx512bf16"), DMOE_REASONS("neon"),
  };
#undef DMOE_REASONS
  const dmoe_isa level = resolve_isa(DMOE_ISA_AUTO);
  const char* forced = std::getenv("DYNAMIC_MOE_ISA");
  const bool by_name = forced != nullptr && isa_from_name(forced) > DMOE_ISA_AUTO;
  return kReasons[level][by_name ? 0 : 1];
}

}  // namespace dmoe
