// Checked views of what callers hand in. Every check names the argument, the value and the allowed range.
#ifndef DYNAMICMOE_CORE_VIEWS_HPP_
#define DYNAMICMOE_CORE_VIEWS_HPP_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/status.hpp"
#include "dynamicmoe/dynamicmoe.h"

namespace dmoe {

/** No range of memory is larger. */
inline constexpr int64_t kLargestBytes = int64_t{1} << 62;

/** A read-only row-major matrix whose shape has been checked. */
struct MatrixView {
  const float* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t stride = 0;
  const float* row(int64_t i) const noexcept { return data + i * stride; }
};

/** A writable row-major matrix whose shape has been checked. */
struct OutputView {
  float* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t stride = 0;
  float* row(int64_t i) const noexcept { return data + i * stride; }
};

/** Copies a caller's struct over defaults. struct_size smaller than ours: fields it lacks keep the defaults;
 * larger: the unknown tail must be zero. @param minimum bytes that every version of the struct had */
void read_struct(const void* source, void* target, std::size_t size, std::size_t minimum, const char* name);
template <typename T>
T read_struct(const T* source, const T& defaults, const char* name, std::size_t minimum = sizeof(uint32_t)) {
  T result = defaults;
  read_struct(source, &result, sizeof(T), minimum, name);
  result.struct_size = sizeof(T);
  return result;
}
/** Writes a struct back to a caller who may know fewer or more fields; the caller's struct_size is kept. */
void write_struct(const void* source, void* target, std::size_t size);

/** Checks shape, stride, alignment and address range. Throws DMOE_E_ARGUMENT or DMOE_E_SHAPE. */
MatrixView view(const dmoe_matrix_f32* matrix, const char* name);
OutputView view(const dmoe_output_f32* matrix, const char* name);

/** A range of bytes, for overlap checks. */
struct Span {
  const char* name = "";
  const void* data = nullptr;
  int64_t bytes = 0;
};
Span span_of(const MatrixView& matrix, const char* name);
Span span_of(const OutputView& matrix, const char* name);
template <typename T>
Span span_of(const T* data, int64_t count, const char* name) {
  DMOE_REQUIRE(count <= kLargestBytes / static_cast<int64_t>(sizeof(T)), DMOE_E_SHAPE,
               "%s with %lld elements exceeds the address space", name, static_cast<long long>(count));
  return Span{name, data, data == nullptr ? 0 : count * static_cast<int64_t>(sizeof(T))};
}
/** Throws DMOE_E_ARGUMENT when any two of the outputs, or an output and an input, share a byte. */
void require_disjoint(const Span* outputs, int output_count, const Span* inputs, int input_count);

/** @return a * b; throws DMOE_E_SHAPE naming both when the product exceeds 2^62 (neither may be negative). */
int64_t checked_product(int64_t a, int64_t b, const char* name);

/** Throws DMOE_E_ARGUMENT when a pointer is NULL. */
inline void require_pointer(const void* pointer, const char* name) {
  DMOE_REQUIRE(pointer != nullptr, DMOE_E_ARGUMENT, "%s is NULL", name);
}
/** Throws DMOE_E_OPTIONS unless low <= value <= high. */
inline void require_option(int64_t value, int64_t low, int64_t high, const char* name) {
  DMOE_REQUIRE(value >= low && value <= high, DMOE_E_OPTIONS, "%s is %lld, must be within %lld..%lld", name,
               static_cast<long long>(value), static_cast<long long>(low), static_cast<long long>(high));
}

/** @return index of the first NaN or infinity, or -1. */
int64_t first_not_finite(const float* values, int64_t count) noexcept;

}  // namespace dmoe

#endif  // DYNAMICMOE_CORE_VIEWS_HPP_
