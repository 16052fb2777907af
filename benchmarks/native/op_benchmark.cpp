// What does each kernel of each .inc list do with one thread, next to the same work at the other levels?
// Names: op/kernel/rows. Rates: gops = multiplications and additions (products only), gb = bytes read once.
// Operands stay in cache, so that the kernels are compared and not the memory.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/memory.hpp"
#include "core/quant.hpp"
#include "engine/cpu.hpp"
#include "engine/kernel_table.hpp"
#include "engine/ops.hpp"
#include "engine/packing.hpp"

namespace dmoe {
namespace {

constexpr int64_t kInner = 1024, kColumns = 256, kPanels = kColumns / 32;
constexpr int32_t kExperts = 64, kSlots = 8;

std::vector<float> noise(int64_t count, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  uint64_t state = seed * 2654435769u + 1;
  for (float& v : values) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    v = (static_cast<float>(state >> 40) - 8388607.5f) * 0x1p-23f;
  }
  return values;
}

// Rows in a format, as its products take them, and packed weights [kColumns, kInner].
struct Operands {
  std::vector<float> floats;
  std::vector<char> rows;
  std::vector<const void*> pointers;
  Buffer<char> panels;

  Operands(int32_t format, int64_t m) : floats(noise(m * kInner, 1)) {
    const int64_t bytes = operand_bytes(format, kInner);
    rows.assign(static_cast<size_t>(m * bytes), 0);
    const KernelTable& kernels = kernel_table(DMOE_ISA_SCALAR);
    const Rows in{floats.data(), m, kInner, kInner};
    if (format == DMOE_FORMAT_BF16) {
      kernels.round_rows({in, reinterpret_cast<uint16_t*>(rows.data()), bytes / 2});
    } else if (format != DMOE_FORMAT_F32) {
      kernels.quantise_rows({in, reinterpret_cast<QuantBlock*>(rows.data()), quant_blocks(kInner),
                             format == DMOE_FORMAT_Q8 ? kQ8Offset : kQ4Offset});
    }
    for (int64_t r = 0; r < m; ++r) {
      pointers.push_back(format == DMOE_FORMAT_F32 ? static_cast<const void*>(floats.data() + r * kInner)
                                                   : rows.data() + r * bytes);
    }
    const std::vector<float> weights = noise(kColumns * kInner, 2);
    panels = Buffer<char>(static_cast<size_t>(kPanels * panel_bytes(format, kInner)));
    pack_panels({weights.data(), DMOE_DTYPE_F32, kColumns, kInner}, format, panels.data());
  }
};

int32_t format_of(const std::string& op) {
  if (op.find("bf16") != std::string::npos) return DMOE_FORMAT_BF16;
  if (op.find("_q8") != std::string::npos) return DMOE_FORMAT_Q8;
  return op.find("_q4") != std::string::npos ? DMOE_FORMAT_Q4 : DMOE_FORMAT_F32;
}

void repeat(benchmark::State& state, double operations, double bytes, const std::function<void()>& body) {
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  const auto times = static_cast<double>(state.iterations());
  state.counters["gops"] = benchmark::Counter(1e-9 * operations * times, benchmark::Counter::kIsRate);
  state.counters["gb"] = benchmark::Counter(1e-9 * bytes * times, benchmark::Counter::kIsRate);
}

PanelGemm product(const Operands& o, int64_t m, std::vector<float>& out, int64_t stride) {
  out.resize(static_cast<size_t>(m * stride));
  return {o.pointers.data(), m, kInner, o.panels.data(), kPanels, out.data(), stride};
}
double product_operations(int64_t m) { return 2.0 * static_cast<double>(m * kInner * kColumns); }
double product_bytes(const Operands& o) { return static_cast<double>(o.panels.bytes()); }

void run(benchmark::State& state, const std::string& op, void (*kernel)(const ExpertsUp&)) {
  const int64_t m = state.range(0);
  const Operands o(format_of(op), m);
  std::vector<float> sums;
  ExpertsUp t;
  t.gemm = product(o, m, sums, kUpGroupPanels * 32);
  t.kind = DMOE_EXPERT_SWIGLU;
  t.bias = nullptr;
  t.hidden_stride = operand_bytes(format_of(op), kColumns / 2);
  std::vector<char> hidden(static_cast<size_t>(m * t.hidden_stride));
  t.hidden = hidden.data();
  repeat(state, product_operations(m), product_bytes(o), [&] { kernel(t); });
}

void run(benchmark::State& state, const std::string& op, void (*kernel)(const ExpertsDown&)) {
  const int64_t m = state.range(0);
  const Operands o(format_of(op), m);
  std::vector<float> out;
  const ExpertsDown t{product(o, m, out, kColumns), nullptr};
  repeat(state, product_operations(m), product_bytes(o), [&] { kernel(t); });
}

void run(benchmark::State& state, const std::string& op, void (*kernel)(const Dense&)) {
  const int64_t m = state.range(0);
  const Operands o(format_of(op), m);
  std::vector<float> out;
  const Dense t{product(o, m, out, kColumns), kColumns, nullptr};
  repeat(state, product_operations(m), product_bytes(o), [&] { kernel(t); });
}

void run(benchmark::State& state, const std::string&, void (*kernel)(const Logits&)) {
  const int64_t m = state.range(0);
  const Operands o(DMOE_FORMAT_F32, m);
  std::vector<float> out(static_cast<size_t>(m * kColumns));
  const Logits t{
      o.floats.data(), kInner,  m,          kInner,  reinterpret_cast<const float*>(o.panels.data()),
      nullptr,         kPanels, out.data(), kColumns};
  repeat(state, product_operations(m), product_bytes(o), [&] { kernel(t); });
}

void run(benchmark::State& state, const std::string&, void (*kernel)(const Gate&)) {
  const int64_t m = state.range(0);
  const std::vector<float> logits = noise(m * kExperts, 3);
  std::vector<float> mass(logits.size()), totals(static_cast<size_t>(m));
  const Gate t{logits.data(), kExperts, m, kExperts, mass.data(), totals.data()};
  repeat(state, 0, 4.0 * static_cast<double>(logits.size()), [&] { kernel(t); });
}

void run(benchmark::State& state, const std::string&, void (*kernel)(const RoundRows&)) {
  const int64_t m = state.range(0);
  const std::vector<float> x = noise(m * kInner, 4);
  std::vector<uint16_t> out(x.size());
  const RoundRows t{{x.data(), m, kInner, kInner}, out.data(), kInner};
  repeat(state, 0, 4.0 * static_cast<double>(x.size()), [&] { kernel(t); });
}

void run(benchmark::State& state, const std::string&, void (*kernel)(const QuantiseRows&)) {
  const int64_t m = state.range(0);
  const std::vector<float> x = noise(m * kInner, 4);
  std::vector<QuantBlock> out(static_cast<size_t>(m * quant_blocks(kInner)));
  const QuantiseRows t{{x.data(), m, kInner, kInner}, out.data(), quant_blocks(kInner), kQ8Offset};
  repeat(state, 0, 4.0 * static_cast<double>(x.size()), [&] { kernel(t); });
}

void run(benchmark::State& state, const std::string&, combine_kernel* kernel) {
  const int64_t m = state.range(0);
  const std::vector<float> y = noise(m * kSlots * kColumns, 5), weights = noise(m * kSlots, 6);
  std::vector<int32_t> rows(static_cast<size_t>(m * kSlots));
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int32_t>(i);
  std::vector<float> out(static_cast<size_t>(m * kColumns));
  const Combine t{m, kSlots, kColumns, rows.data(), weights.data(), y.data(), kColumns, out.data(), kColumns};
  repeat(state, 2.0 * static_cast<double>(y.size()), 4.0 * static_cast<double>(y.size()),
         [&] { benchmark::DoNotOptimize(kernel(t)); });
}

void run(benchmark::State& state, const std::string&, plan_build_kernel* kernel) {
  const int64_t m = state.range(0);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < m * kSlots; ++i) ids.push_back(static_cast<int32_t>(i * 29 % kExperts));
  std::vector<int64_t> offsets(kExperts + 1);
  std::vector<int32_t> tokens(ids.size()), rows(ids.size());
  repeat(state, 0, 4.0 * static_cast<double>(ids.size()), [&] {
    benchmark::DoNotOptimize(
        kernel(ids.data(), m, kSlots, kExperts, offsets.data(), tokens.data(), rows.data()));
  });
}

void run(benchmark::State& state, const std::string&, void (*kernel)(const Norm&)) {
  const int64_t m = state.range(0);
  const std::vector<float> x = noise(m * kInner, 7);
  std::vector<float> out(x.size());
  const Norm t{x.data(), kInner, m, kInner, nullptr, nullptr, 1e-5f, out.data(), kInner};
  repeat(state, 0, 4.0 * static_cast<double>(x.size()), [&] { kernel(t); });
}

// Operations without a benchmark here are parts of routing whose cost the layer benchmark shows.
template <typename Kernel>
void add(const char* op, const char* name, dmoe_isa isa, Kernel* kernel) {
  if constexpr (requires(benchmark::State & state) { run(state, std::string(), kernel); }) {
    if ((cpu_info().isa_supported & (1u << isa)) == 0) return;
    const std::string label = std::string(op) + "/" + name;
    benchmark::RegisterBenchmark(label.c_str(), [=](benchmark::State& state) { run(state, op, kernel); })
        ->Arg(1)
        ->Arg(8)
        ->Arg(64);
  }
}

}  // namespace
}  // namespace dmoe

int main(int argc, char** argv) {
#define DMOE_OP(op)
#define DMOE_KERNEL(op, name, level) DMOE_HERE(level, dmoe::add(#op, #name, level, &dmoe::name);)
#include "engine/kernels.inc"
#undef DMOE_OP
#undef DMOE_KERNEL
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
