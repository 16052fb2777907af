// Packed operands of the kernel tests, made by the engine's own packing.
#ifndef DYNAMICMOE_TESTS_SUPPORT_PACKED_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_PACKED_HPP_

#include <cstdint>
#include <vector>

#include "core/memory.hpp"
#include "engine/packing.hpp"
#include "support/numbers.hpp"

namespace dmoe::test {

/** A random weight matrix [rows, columns]: its values as the kernel sees them, and its panels. */
struct PackedWeights {
  int64_t rows;
  int64_t columns;
  int32_t format;
  std::vector<float> values;  // rounded to the format
  Buffer<char> panels;

  PackedWeights(Random& random, int64_t n, int64_t k, bool bf16, float scale = 1.0f)
      : rows(n),
        columns(k),
        format(bf16 ? DMOE_FORMAT_BF16 : DMOE_FORMAT_F32),
        values(random.normals(n * k, scale)) {
    panels = Buffer<char>(static_cast<size_t>(panels_for(n) * panel_bytes(format, k)));
    pack_panels({values.data(), DMOE_DTYPE_F32, n, k}, format, panels.data());
    for (float& v : values) v = rounded(v, bf16);
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
  std::vector<const void*> pointers;

  InputRows(Random& random, int64_t m, int64_t k, bool bf16) : InputRows(random.normals(m * k), m, k, bf16) {}
  InputRows(std::vector<float> given, int64_t m, int64_t k, bool bf16)
      : count(m), columns(k), values(std::move(given)) {
    const int64_t stride = (k + 15) / 16 * 16;
    if (bf16) halves.assign(static_cast<size_t>(m * stride), 0);
    for (int64_t r = 0; r < m; ++r) {
      for (int64_t c = 0; c < k && bf16; ++c) {
        const uint16_t half = to_bf16(values[static_cast<size_t>(r * k + c)]);
        halves[static_cast<size_t>(r * stride + c)] = half;
        values[static_cast<size_t>(r * k + c)] = from_bf16(half);
      }
      pointers.push_back(bf16 ? static_cast<const void*>(halves.data() + r * stride) : values.data() + r * k);
    }
  }
  double at(int64_t row, int64_t column) const {
    return static_cast<double>(values[static_cast<size_t>(row * columns + column)]);
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
