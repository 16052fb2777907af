// Packed operands of the kernel tests, made by the engine's own packing.
#ifndef DYNAMICMOE_TESTS_SUPPORT_PACKED_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_PACKED_HPP_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/memory.hpp"
#include "engine/packing.hpp"
#include "engine/weight_blocks.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {

/** Rows [n, k] of float rounded to a format's weights: the values that a kernel sees. */
inline std::vector<float> as_weights(std::vector<float> values, int64_t n, int64_t k, int32_t format) {
  if (format == DMOE_FORMAT_BF16) {
    for (float& v : values) v = rounded(v, true);
  }
  if (format != DMOE_FORMAT_Q8 && format != DMOE_FORMAT_Q4) return values;
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t first = 0; first < k; first += kQuantBlock) {
      float block[kQuantBlock] = {};
      const auto count = static_cast<size_t>(std::min(kQuantBlock, k - first));
      float* at = values.data() + row * k + first;
      std::copy(at, at + count, block);
      const WeightBlock made = round_weights(format, block);
      for (size_t i = 0; i < count; ++i) at[i] = from_f16(made.scale) * static_cast<float>(made.value[i]);
    }
  }
  return values;
}

/** A random weight matrix [rows, columns]: its values as the kernel sees them, and its panels. */
struct PackedWeights {
  int64_t rows;
  int64_t columns;
  int32_t format;
  std::vector<float> source;  // as given
  std::vector<float> values;  // rounded to the format
  Buffer<char> panels;

  PackedWeights(Random& random, int64_t n, int64_t k, int32_t f, float scale = 1.0f)
      : rows(n), columns(k), format(f), source(random.normals(n * k, scale)) {
    panels = Buffer<char>(static_cast<size_t>(panels_for(n) * panel_bytes(format, k)));
    pack_panels({source.data(), DMOE_DTYPE_F32, n, k}, format, panels.data());
    values = as_weights(source, n, k, format);
  }
  double at(int64_t row, int64_t column) const {
    return static_cast<double>(values[static_cast<size_t>(row * columns + column)]);
  }
};

/** Random rows [count, columns] in a format, with the pointers that kernels take. */
struct InputRows {
  int64_t count;
  int64_t columns;
  std::vector<float> values;  // rounded to the format
  std::vector<uint16_t> halves;
  std::vector<QuantBlock> blocks;
  std::vector<const void*> pointers;

  InputRows(Random& random, int64_t m, int64_t k, int32_t format)
      : InputRows(random.normals(m * k), m, k, format) {}
  InputRows(std::vector<float> given, int64_t m, int64_t k, int32_t format)
      : count(m), columns(k), values(std::move(given)) {
    const int64_t stride = operand_bytes(format, k);
    if (format == DMOE_FORMAT_BF16) halves.assign(static_cast<size_t>(m * stride / 2), 0);
    if (format == DMOE_FORMAT_Q8 || format == DMOE_FORMAT_Q4) {
      blocks.resize(static_cast<size_t>(m * quant_blocks(k)));
    }
    for (int64_t r = 0; r < m; ++r) {
      float* row = values.data() + r * k;
      const void* pointer = row;
      if (!halves.empty()) pointer = round_halves(row, halves.data() + r * stride / 2);
      if (!blocks.empty()) pointer = round_blocks(row, format, blocks.data() + r * quant_blocks(k));
      pointers.push_back(pointer);
    }
  }
  double at(int64_t row, int64_t column) const {
    return static_cast<double>(values[static_cast<size_t>(row * columns + column)]);
  }

 private:
  uint16_t* round_halves(float* row, uint16_t* out) const {
    for (int64_t c = 0; c < columns; ++c) {
      out[c] = to_bf16(row[c]);
      row[c] = from_bf16(out[c]);
    }
    return out;
  }
  // The rounding of core/quant.hpp, written again in plain arithmetic.
  QuantBlock* round_blocks(float* row, int32_t format, QuantBlock* out) const {
    for (int64_t first = 0; first < columns; first += kQuantBlock) {
      const int64_t end = std::min(columns, first + kQuantBlock);
      QuantBlock& block = out[first / kQuantBlock];
      block = {};
      float largest = 0;
      for (int64_t c = first; c < end; ++c) largest = std::max(largest, std::abs(row[c]));
      block.scale = largest / 127.0f;
      for (int64_t c = first; c < end; ++c) {
        const float value = largest == 0 ? 0 : std::nearbyint(row[c] * (127.0f / largest));
        block.value[c - first] = static_cast<int8_t>(value);
        block.correction -= (format == DMOE_FORMAT_Q8 ? kQ8Offset : kQ4Offset) * static_cast<int32_t>(value);
        row[c] = value * block.scale;
      }
    }
    return out;
  }
};

/** An exact sum (to double) and the sum of its terms' magnitudes. */
struct ExactDot {
  double sum = 0;
  double magnitude = 0;
};
inline ExactDot exact_dot(const InputRows& x, int64_t row, const PackedWeights& w, int64_t column,
                          double bias) {
  ExactDot d{bias, std::abs(bias)};
  for (int64_t k = 0; k < w.columns; ++k) {
    const double term = x.at(row, k) * w.at(column, k);
    d.sum += term;
    d.magnitude += std::abs(term);
  }
  return d;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_PACKED_HPP_
