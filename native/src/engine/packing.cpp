#include "engine/packing.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "core/panel_gemm.hpp"
#include "core/thread_pool.hpp"
#include "engine/weight_blocks.hpp"

namespace dmoe {
namespace {

constexpr int64_t kCheckRows = 64;  // rows of a unit of the check
constexpr int64_t kBlock = 64;      // inner elements converted at a time: 32 columns of them fit L1

float from_bf16(uint16_t half) { return std::bit_cast<float>(static_cast<uint32_t>(half) << 16); }

uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// Bits of the first magnitude that a format refuses.
uint32_t refused_from(int32_t format) {
  // The largest float that bfloat16 does not round to infinity lies half a step above its largest value.
  if (format == DMOE_FORMAT_BF16) return 0x7f7f8000u;
  if (format == DMOE_FORMAT_F32) return 0x7f800000u;
  return std::bit_cast<uint32_t>(largest_weight(format)) + 1;
}

// Elements [first, first + count) of a row as float.
void convert(const WeightMatrix& matrix, int64_t row, int64_t first, int64_t count, float* out) {
  const int64_t start = row * matrix.columns + first;
  if (matrix.dtype == DMOE_DTYPE_F32) {
    std::memcpy(out, static_cast<const float*>(matrix.data) + start,
                static_cast<std::size_t>(count) * sizeof(float));
    return;
  }
  const auto* half = static_cast<const uint16_t*>(matrix.data) + start;
  if (matrix.dtype == DMOE_DTYPE_BF16) {
    for (int64_t i = 0; i < count; ++i) out[i] = from_bf16(half[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) out[i] = from_f16(half[i]);
  }
}

// Where the columns of a panel come from: rows first..first+count-1 of a matrix at columns at..at+count-1.
struct Part {
  const WeightMatrix* matrix;
  int64_t first;
  int64_t count;
  int64_t at;
};

// `count` elements of row part.first + c from `first` on, zeros where the matrix has none.
void convert_column(const Part& part, int64_t c, int64_t first, int64_t count, float* values) {
  const int64_t row = part.first + c;
  const bool exists = row < part.matrix->rows && part.matrix->data != nullptr;
  const int64_t real = exists ? std::clamp<int64_t>(part.matrix->columns - first, 0, count) : 0;
  if (real > 0) convert(*part.matrix, row, first, real, values);
  std::fill(values + real, values + count, 0.0f);
}

void put_floats(const float* values, int64_t first, int64_t count, int64_t column, void* panel) {
  float* out = static_cast<float*>(panel) + first * kPanelColumns + column;
  for (int64_t k = 0; k < count; ++k) out[k * kPanelColumns] = values[k];
}

void put_halves(const float* values, int64_t first, int64_t count, int64_t column, void* panel) {
  uint16_t* out = static_cast<uint16_t*>(panel) + first * kPanelColumns + 2 * column;
  for (int64_t k = 0; k < count; ++k) out[(k / 2) * 2 * kPanelColumns + k % 2] = to_bf16(values[k]);
}

// Of q8 and q4.
int64_t block_bytes(int32_t format) { return format == DMOE_FORMAT_Q8 ? kQ8BlockBytes : kQ4BlockBytes; }

// One block of one column, as core/quant.hpp lays it out.
void put_block(const WeightBlock& weights, int32_t format, int64_t column, uint8_t* block) {
  for (int64_t k = 0; k < kQuantBlock; ++k) {
    const int64_t step = k / 4;
    const int64_t at = 4 * column + k % 4;
    if (format == DMOE_FORMAT_Q8) {
      block[128 * step + at] = static_cast<uint8_t>(weights.value[k] + kQ8Offset);
    } else {
      const int nibble = weights.value[k] + kQ4Offset;
      uint8_t& both = block[128 * (step / 2) + at];
      both = static_cast<uint8_t>(step % 2 == 0 ? nibble : both | nibble << 4);
    }
  }
  std::memcpy(block + block_bytes(format) - kQuantScaleBytes + 2 * column, &weights.scale, 2);
}

void put_blocks(const float* values, int32_t format, int64_t first, int64_t count, int64_t column,
                void* panel) {
  for (int64_t k = 0; k < count; k += kQuantBlock) {
    uint8_t* block = static_cast<uint8_t*>(panel) + (first + k) / kQuantBlock * block_bytes(format);
    put_block(round_weights(format, values + k), format, column, block);
  }
}

// Elements [first, first + count) of k of one panel.
void pack_block(const Part* parts, int part_count, int32_t format, int64_t first, int64_t count,
                void* panel) {
  float values[kBlock];
  for (int p = 0; p < part_count; ++p) {
    for (int64_t c = 0; c < parts[p].count; ++c) {
      convert_column(parts[p], c, first, count, values);
      const int64_t column = parts[p].at + c;
      if (format == DMOE_FORMAT_F32) {
        put_floats(values, first, count, column, panel);
      } else if (format == DMOE_FORMAT_BF16) {
        put_halves(values, first, count, column, panel);
      } else {
        put_blocks(values, format, first, count, column, panel);
      }
    }
  }
}

void pack_panel(const Part* parts, int part_count, int32_t format, int64_t inner, void* panel) {
  for (int64_t first = 0; first < inner; first += kBlock) {
    pack_block(parts, part_count, format, first, std::min(kBlock, inner - first), panel);
  }
}

// Whether every magnitude of a row lies below `limit`, as bits.
bool row_is_below(const WeightMatrix& matrix, int64_t row, uint32_t limit) {
  float values[kBlock];
  for (int64_t first = 0; first < matrix.columns; first += kBlock) {
    const int64_t count = std::min(kBlock, matrix.columns - first);
    convert(matrix, row, first, count, values);
    bool good = true;
    for (int64_t i = 0; i < count; ++i) {
      good &= (std::bit_cast<uint32_t>(values[i]) & 0x7fffffffu) < limit;
    }
    if (!good) return false;
  }
  return true;
}

}  // namespace

int64_t packed_inner(int32_t format, int64_t k) {
  if (format == DMOE_FORMAT_F32) return k;
  if (format == DMOE_FORMAT_BF16) return (k + 1) / 2 * 2;
  return quant_blocks(k) * kQuantBlock;
}

int64_t panel_bytes(int32_t format, int64_t k) {
  if (format == DMOE_FORMAT_Q8 || format == DMOE_FORMAT_Q4) return quant_blocks(k) * block_bytes(format);
  return packed_inner(format, k) * kPanelColumns * (format == DMOE_FORMAT_BF16 ? 2 : 4);
}

int64_t operand_bytes(int32_t format, int64_t k) {
  switch (format) {
    case DMOE_FORMAT_F32:
      return (k + 15) / 16 * 64;
    case DMOE_FORMAT_BF16:
      return (k + 31) / 32 * 64;
    default:
      return quant_blocks(k) * static_cast<int64_t>(sizeof(QuantBlock));
  }
}

int64_t first_bad_row(const WeightMatrix& matrix, int32_t format) {
  if (matrix.data == nullptr) return -1;
  const uint32_t limit = refused_from(format);
  std::atomic<int64_t> lowest{matrix.rows};
  parallel_for((matrix.rows + kCheckRows - 1) / kCheckRows, region_threads(0), [&](int64_t chunk, int) {
    const int64_t end = std::min(matrix.rows, (chunk + 1) * kCheckRows);
    for (int64_t row = chunk * kCheckRows; row < end; ++row) {
      if (!row_is_below(matrix, row, limit)) {
        int64_t known = lowest.load(std::memory_order_relaxed);
        while (row < known && !lowest.compare_exchange_weak(known, row, std::memory_order_relaxed)) {
        }
        return;
      }
    }
  });
  const int64_t row = lowest.load(std::memory_order_relaxed);
  return row == matrix.rows ? -1 : row;
}

void pack_panels(const WeightMatrix& matrix, int32_t format, void* panels) {
  const int64_t bytes = panel_bytes(format, matrix.columns);
  const int64_t inner = packed_inner(format, matrix.columns);
  parallel_for(panels_for(matrix.rows), region_threads(0), [&](int64_t p, int) {
    const Part part{&matrix, 32 * p, 32, 0};
    pack_panel(&part, 1, format, inner, static_cast<char*>(panels) + p * bytes);
  });
}

void pack_gate_up(const WeightMatrix& gate, const WeightMatrix& up, int32_t format, void* panels) {
  const int64_t bytes = panel_bytes(format, up.columns);
  const int64_t inner = packed_inner(format, up.columns);
  parallel_for(panels_for(2 * ((up.rows + 15) / 16 * 16)), region_threads(0), [&](int64_t p, int) {
    const Part parts[] = {{&gate, 16 * p, 16, 0}, {&up, 16 * p, 16, 16}};
    pack_panel(parts, 2, format, inner, static_cast<char*>(panels) + p * bytes);
  });
}

}  // namespace dmoe
