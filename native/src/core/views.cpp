#include "core/views.hpp"

#include <algorithm>

namespace dmoe {
namespace {

// Shared by both kinds of matrix: they differ in constness only.
void check_matrix(const void* data, int64_t rows, int64_t columns, int64_t stride, const char* name) {
  DMOE_REQUIRE(rows >= 0, DMOE_E_SHAPE, "%s.rows is %lld, must be >= 0", name, static_cast<long long>(rows));
  DMOE_REQUIRE(columns >= 1, DMOE_E_SHAPE, "%s.columns is %lld, must be >= 1", name,
               static_cast<long long>(columns));
  DMOE_REQUIRE(stride >= columns, DMOE_E_SHAPE, "%s.row_stride is %lld, must be >= columns (%lld)", name,
               static_cast<long long>(stride), static_cast<long long>(columns));
  const bool fits = rows == 0 || stride <= kLargestBytes / static_cast<int64_t>(sizeof(float)) / rows;
  DMOE_REQUIRE(fits, DMOE_E_SHAPE, "%s with %lld rows of stride %lld exceeds the address space", name,
               static_cast<long long>(rows), static_cast<long long>(stride));
  DMOE_REQUIRE(data != nullptr || rows == 0, DMOE_E_ARGUMENT, "%s.data is NULL with %lld rows", name,
               static_cast<long long>(rows));
  DMOE_REQUIRE(reinterpret_cast<uintptr_t>(data) % alignof(float) == 0, DMOE_E_ARGUMENT,
               "%s.data is not aligned to 4 bytes", name);
}

int64_t matrix_bytes(int64_t rows, int64_t columns, int64_t stride) {
  return rows == 0 ? 0 : ((rows - 1) * stride + columns) * static_cast<int64_t>(sizeof(float));
}

bool overlap(const Span& a, const Span& b) {
  const auto a0 = reinterpret_cast<uintptr_t>(a.data);
  const auto b0 = reinterpret_cast<uintptr_t>(b.data);
  return a.bytes > 0 && b.bytes > 0 && a0 < b0 + static_cast<uintptr_t>(b.bytes) &&
         b0 < a0 + static_cast<uintptr_t>(a.bytes);
}

}  // namespace

void read_struct(const void* source, void* target, std::size_t size, std::size_t minimum, const char* name) {
  require_pointer(source, name);
  uint32_t given = 0;
  std::memcpy(&given, source, sizeof given);
  DMOE_REQUIRE(given >= minimum, DMOE_E_ARGUMENT, "%s.struct_size is %u, must be >= %zu", name, given,
               minimum);
  DMOE_REQUIRE(given <= (1u << 16), DMOE_E_ARGUMENT, "%s.struct_size is %u, must be <= 65536", name, given);
  const auto* bytes = static_cast<const unsigned char*>(source);
  for (std::size_t i = size; i < given; ++i)
    DMOE_REQUIRE(
        bytes[i] == 0, DMOE_E_ARGUMENT,
        "%s.struct_size is %u and byte %zu is set; this library knows %zu bytes, the rest must be zero", name,
        given, i, size);
  std::memcpy(target, source, std::min<std::size_t>(given, size));
}

void write_struct(const void* source, void* target, std::size_t size) {
  uint32_t given = 0;
  std::memcpy(&given, target, sizeof given);
  std::memcpy(static_cast<char*>(target) + sizeof given, static_cast<const char*>(source) + sizeof given,
              std::min<std::size_t>(given, size) - sizeof given);
}

MatrixView view(const dmoe_matrix_f32* matrix, const char* name) {
  const auto m = read_struct(matrix, dmoe_matrix_f32{}, name, sizeof(dmoe_matrix_f32));
  check_matrix(m.data, m.rows, m.columns, m.row_stride, name);
  return MatrixView{m.data, m.rows, m.columns, m.row_stride};
}

OutputView view(const dmoe_output_f32* matrix, const char* name) {
  const auto m = read_struct(matrix, dmoe_output_f32{}, name, sizeof(dmoe_output_f32));
  check_matrix(m.data, m.rows, m.columns, m.row_stride, name);
  return OutputView{m.data, m.rows, m.columns, m.row_stride};
}

Span span_of(const MatrixView& matrix, const char* name) {
  return Span{name, matrix.data, matrix_bytes(matrix.rows, matrix.columns, matrix.stride)};
}

Span span_of(const OutputView& matrix, const char* name) {
  return Span{name, matrix.data, matrix_bytes(matrix.rows, matrix.columns, matrix.stride)};
}

void require_disjoint(const Span* outputs, int output_count, const Span* inputs, int input_count) {
  for (int i = 0; i < output_count; ++i) {
    for (int j = 0; j < i; ++j)
      DMOE_REQUIRE(!overlap(outputs[i], outputs[j]), DMOE_E_ARGUMENT, "%s overlaps %s", outputs[i].name,
                   outputs[j].name);
    for (int j = 0; j < input_count; ++j)
      DMOE_REQUIRE(!overlap(outputs[i], inputs[j]), DMOE_E_ARGUMENT, "%s overlaps %s", outputs[i].name,
                   inputs[j].name);
  }
}

int64_t checked_product(int64_t a, int64_t b, const char* name) {
  DMOE_REQUIRE(a == 0 || b <= kLargestBytes / a, DMOE_E_SHAPE, "%s: %lld x %lld exceeds the address space",
               name, static_cast<long long>(a), static_cast<long long>(b));
  return a * b;
}

int64_t first_not_finite(const float* values, int64_t count) noexcept {
  // Blocks without a branch inside, so that the compiler can use vectors; the exponent is all ones when not
  // finite.
  constexpr int64_t kBlock = 256;
  constexpr int32_t kExponent = 0x7f800000;
  const auto exponent = [&](int64_t i) {
    int32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    return bits & kExponent;
  };
  for (int64_t start = 0; start < count; start += kBlock) {
    const int64_t end = std::min(count, start + kBlock);
    int32_t any = 0;
    for (int64_t i = start; i < end; ++i) any |= exponent(i) == kExponent ? -1 : 0;
    if (any == 0) continue;
    for (int64_t i = start; i < end; ++i)
      if (exponent(i) == kExponent) return i;
  }
  return -1;
}

}  // namespace dmoe
