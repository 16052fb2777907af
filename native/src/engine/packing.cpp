#include "engine/packing.hpp"

#include <algorithm>
#include <cstring>

#include "core/panel_gemm.hpp"

namespace dmoe {
namespace {

constexpr int64_t kBlock = 64;  // inner elements converted at a time: 32 columns of them fit L1

float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float from_bf16(uint16_t half) { return float_of(static_cast<uint32_t>(half) << 16); }

float from_f16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  // Shifted into place, a half's exponent is too small by 112; the product mends that for subnormals as well.
  const float value = float_of(magnitude << 13) * 0x1p112f;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return float_of(sign | (magnitude >= 0x7c00u ? 0x7f800000u | (magnitude << 13) : bits));
}

uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

bool finite_in(int32_t format, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  // The largest float that bfloat16 does not round to infinity lies half a step above its largest value.
  const uint32_t limit = format == DMOE_FORMAT_BF16 ? 0x7f7f8000u : 0x7f800000u;
  return (bits & 0x7fffffffu) < limit;
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

// Steps [first, first + count) of k of one panel.
void pack_block(const Part* parts, int part_count, int32_t format, int64_t first, int64_t count,
                void* panel) {
  float values[kBlock];
  for (int p = 0; p < part_count; ++p) {
    const Part& part = parts[p];
    for (int64_t c = 0; c < part.count; ++c) {
      const int64_t row = part.first + c;
      const bool exists = row < part.matrix->rows && part.matrix->data != nullptr;
      const int64_t real = exists ? std::clamp<int64_t>(part.matrix->columns - first, 0, count) : 0;
      if (real > 0) convert(*part.matrix, row, first, real, values);
      std::fill(values + real, values + count, 0.0f);
      const int64_t column = part.at + c;
      if (format == DMOE_FORMAT_F32) {
        float* out = static_cast<float*>(panel) + first * kPanelColumns + column;
        for (int64_t k = 0; k < count; ++k) out[k * kPanelColumns] = values[k];
      } else {
        uint16_t* out = static_cast<uint16_t*>(panel) + first * kPanelColumns + 2 * column;
        for (int64_t k = 0; k < count; ++k) out[(k / 2) * 2 * kPanelColumns + k % 2] = to_bf16(values[k]);
      }
    }
  }
}

void pack_panel(const Part* parts, int part_count, int32_t format, int64_t inner, void* panel) {
  for (int64_t first = 0; first < inner; first += kBlock) {
    pack_block(parts, part_count, format, first, std::min(kBlock, inner - first), panel);
  }
}

}  // namespace

int64_t packed_inner(int32_t format, int64_t k) { return format == DMOE_FORMAT_BF16 ? (k + 1) / 2 * 2 : k; }

int64_t panel_bytes(int32_t format, int64_t k) {
  return packed_inner(format, k) * kPanelColumns * (format == DMOE_FORMAT_BF16 ? 2 : 4);
}

int64_t first_bad_row(const WeightMatrix& matrix, int32_t format) {
  if (matrix.data == nullptr) return -1;
  float values[kBlock];
  for (int64_t row = 0; row < matrix.rows; ++row) {
    for (int64_t first = 0; first < matrix.columns; first += kBlock) {
      const int64_t count = std::min(kBlock, matrix.columns - first);
      convert(matrix, row, first, count, values);
      bool good = true;
      for (int64_t i = 0; i < count; ++i) good &= finite_in(format, values[i]);
      if (!good) return row;
    }
  }
  return -1;
}

void pack_panels(const WeightMatrix& matrix, int32_t format, void* panels) {
  const int64_t bytes = panel_bytes(format, matrix.columns);
  const int64_t inner = packed_inner(format, matrix.columns);
  for (int64_t p = 0; p < panels_for(matrix.rows); ++p) {
    const Part part{&matrix, 32 * p, 32, 0};
    pack_panel(&part, 1, format, inner, static_cast<char*>(panels) + p * bytes);
  }
}

void pack_gate_up(const WeightMatrix& gate, const WeightMatrix& up, int32_t format, void* panels) {
  const int64_t bytes = panel_bytes(format, up.columns);
  const int64_t inner = packed_inner(format, up.columns);
  for (int64_t p = 0; p < panels_for(2 * ((up.rows + 15) / 16 * 16)); ++p) {
    const Part parts[] = {{&gate, 16 * p, 16, 0}, {&up, 16 * p, 16, 16}};
    pack_panel(parts, 2, format, inner, static_cast<char*>(panels) + p * bytes);
  }
}

}  // namespace dmoe
