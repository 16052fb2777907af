#include "engine/linear.hpp"

#include <algorithm>

#include "core/calls.hpp"
#include "core/thread_pool.hpp"
#include "engine/cpu.hpp"
#include "engine/packing.hpp"

namespace dmoe {
namespace {

constexpr int64_t kRowBlock = 128;  // rows that share a panel from cache

}  // namespace

Linear::Linear(const dmoe_linear_options& options)
    : options_(options), kernels_(&kernel_table(resolve_isa(options.isa))) {
  require_option(options.inputs, 1, 1 << 20, "inputs");
  require_option(options.outputs, 1, 1 << 20, "outputs");
  require_option(options.dtype, DMOE_DTYPE_F32, DMOE_DTYPE_F16, "dtype");
  require_option(options.format, DMOE_FORMAT_F32, DMOE_FORMAT_BF16, "format");
  require_pointer(options.weights, "weights");
  const WeightMatrix weights{options.weights, options.dtype, options.outputs, options.inputs};
  const int64_t row = first_bad_row(weights, options.format);
  DMOE_REQUIRE(row < 0, DMOE_E_NOT_FINITE, "weights row %lld holds a value that is not finite%s",
               static_cast<long long>(row), bf16() ? " in bfloat16" : "");
  panels_ = panels_for(options.outputs);
  panel_bytes_ = panel_bytes(options.format, options.inputs);
  if (options.bias != nullptr) {
    const int64_t bad = first_not_finite(options.bias, options.outputs);
    DMOE_REQUIRE(bad < 0, DMOE_E_NOT_FINITE, "bias element %lld is not finite", static_cast<long long>(bad));
    bias_ = Buffer<float>(static_cast<std::size_t>(panels_ * 32));
    std::copy(options.bias, options.bias + options.outputs, bias_.data());
  }
  packed_ = static_cast<std::byte*>(allocate(packed_bytes()));
  pack_panels(weights, options.format, packed_);
  options_.weights = nullptr;  // the caller's; not to be used again
  options_.bias = nullptr;
}

Linear::~Linear() { release(packed_, packed_bytes()); }

// A decoder goes through all its matrices before it comes back to this one: what is larger than a core's own
// cache is read from further away each time.
bool Linear::from_memory() const noexcept {
  return static_cast<int64_t>(packed_bytes()) > cpu_info().l2_bytes;
}

void Linear::run(const MatrixView& input, int32_t threads, const OutputView& output) const {
  DMOE_REQUIRE(input.columns == options_.inputs, DMOE_E_SHAPE, "input has %lld columns, the weights have %d",
               static_cast<long long>(input.columns), options_.inputs);
  DMOE_REQUIRE(output.columns == options_.outputs, DMOE_E_SHAPE,
               "output has %lld columns, the weights have %d rows", static_cast<long long>(output.columns),
               options_.outputs);
  DMOE_REQUIRE(output.rows == input.rows, DMOE_E_SHAPE, "output has %lld rows, input has %lld",
               static_cast<long long>(output.rows), static_cast<long long>(input.rows));
  DMOE_REQUIRE(threads >= 0, DMOE_E_ARGUMENT, "threads is %d, must be 0 or more", threads);
  const Span out = span_of(output, "output");
  const Span in = span_of(input, "input");
  require_disjoint(&out, 1, &in, 1);
  if (input.rows == 0) return;
  const double products = static_cast<double>(input.rows) * options_.inputs * options_.outputs;
  in_turn(call_microseconds(static_cast<double>(packed_bytes()), from_memory(), products),
          [&] { run_now(input, threads, output); });
}

void Linear::run_now(const MatrixView& input, int32_t threads, const OutputView& output) const {
  const int64_t stride = (input.columns + 31) / 32 * 32;
  const auto rows = static_cast<std::size_t>(input.rows);
  const std::size_t rounded_count =
      bf16() ? static_cast<std::size_t>(checked_product(input.rows, stride, "input")) : 0;
  Arena measure;
  measure.take<uint16_t>(rounded_count);
  measure.take<const void*>(rows);
  WorkspacePool::Lease lease(workspaces_, measure.used());
  Arena arena = lease.arena();
  auto* rounded = arena.take<uint16_t>(rounded_count);
  auto* pointers = arena.take<const void*>(rows);
  if (bf16()) kernels_->round_rows({{input.data, input.rows, input.columns, input.stride}, rounded, stride});
  for (int64_t r = 0; r < input.rows; ++r) {
    pointers[r] = bf16() ? static_cast<const void*>(rounded + r * stride) : input.row(r);
  }

  const int workers = region_threads(threads);
  const int64_t blocks = (input.rows + kRowBlock - 1) / kRowBlock;
  const int64_t wanted = panels_ * blocks / (workers * kUnitsPerThread);
  const int64_t panels_per_unit = std::max<int64_t>(4, wanted / 4 * 4);
  const int64_t panel_units = (panels_ + panels_per_unit - 1) / panels_per_unit;
  parallel_for(panel_units * blocks, workers, [&](int64_t unit, int) {
    const int64_t first_panel = unit % panel_units * panels_per_unit;
    const int64_t first_row = unit / panel_units * kRowBlock;
    Dense dense;
    dense.gemm.rows = pointers + first_row;
    dense.gemm.m = std::min(kRowBlock, input.rows - first_row);
    dense.gemm.k = options_.inputs;
    dense.gemm.panels = packed_ + first_panel * panel_bytes_;
    dense.gemm.panel_count = std::min(panels_per_unit, panels_ - first_panel);
    dense.gemm.out = output.row(first_row) + first_panel * 32;
    dense.gemm.out_stride = output.stride;
    dense.gemm.from_memory = from_memory();
    dense.columns = std::min(dense.gemm.panel_count * 32, options_.outputs - first_panel * 32);
    dense.bias = bias_.empty() ? nullptr : bias_.data() + first_panel * 32;
    (bf16() ? kernels_->dense_bf16 : kernels_->dense_f32)(dense);
  });
}

}  // namespace dmoe
