#include "core/views.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace dmoe {
namespace {

template <typename Call>
std::pair<dmoe_status, std::string> failure(Call call) {
  try {
    call();
  } catch (const Status& status) {
    return {status.code(), status.what()};
  }
  return {DMOE_OK, ""};
}

dmoe_matrix_f32 matrix(const float* data, int64_t rows, int64_t columns, int64_t stride) {
  return dmoe_matrix_f32{sizeof(dmoe_matrix_f32), data, rows, columns, stride};
}

TEST(Views, View_WhenTheShapeIsWrong_NamesValueAndRange) {
  float data[4] = {};
  using Expected = std::pair<dmoe_status, std::string>;
  const auto check = [&](const dmoe_matrix_f32& m) { return failure([&] { view(&m, "hidden"); }); };
  EXPECT_EQ(check(matrix(data, -1, 2, 2)), Expected(DMOE_E_SHAPE, "hidden.rows is -1, must be >= 0"));
  EXPECT_EQ(check(matrix(data, 1, 0, 2)), Expected(DMOE_E_SHAPE, "hidden.columns is 0, must be >= 1"));
  EXPECT_EQ(check(matrix(data, 1, 4, 3)),
            Expected(DMOE_E_SHAPE, "hidden.row_stride is 3, must be >= columns (4)"));
  EXPECT_EQ(check(matrix(nullptr, 1, 2, 2)), Expected(DMOE_E_ARGUMENT, "hidden.data is NULL with 1 rows"));
  const auto unaligned = reinterpret_cast<const float*>(reinterpret_cast<const char*>(data) + 1);
  EXPECT_EQ(check(matrix(unaligned, 1, 2, 2)).first, DMOE_E_ARGUMENT);
  EXPECT_EQ(check(matrix(data, INT64_MAX, 4, 4)).first, DMOE_E_SHAPE);
  EXPECT_EQ(check(matrix(data, 2, 4, INT64_MAX)).first, DMOE_E_SHAPE);
  EXPECT_EQ(check(matrix(nullptr, 0, 2, 2)).first, DMOE_OK);
  EXPECT_EQ(failure([] { view(static_cast<const dmoe_matrix_f32*>(nullptr), "hidden"); }),
            Expected(DMOE_E_ARGUMENT, "hidden is NULL"));
}

struct Known {
  uint32_t struct_size;
  int32_t a;
  int64_t b;
};

TEST(Views, ReadStruct_WhenTheCallerIsOlder_KeepsDefaults) {
  const Known defaults{0, 11, 22};
  const Known given{8, 5, 99};
  const Known read = read_struct(&given, defaults, "options");
  EXPECT_EQ(read.a, 5);
  EXPECT_EQ(read.b, 22);
}

TEST(Views, ReadStruct_WhenTheCallerIsNewer_AcceptsAZeroTailOnly) {
  struct Newer {
    Known known;
    int64_t more;
  } given{{sizeof(Newer), 1, 2}, 0};
  const auto call = [&] { read_struct(&given.known, Known{}, "options"); };
  EXPECT_EQ(failure(call).first, DMOE_OK);
  given.more = 1;
  EXPECT_EQ(failure(call).first, DMOE_E_ARGUMENT);
  given.known.struct_size = 0;
  EXPECT_EQ(failure(call).second, "options.struct_size is 0, must be >= 4");
  given.known.struct_size = 1u << 31;
  EXPECT_EQ(failure(call).first, DMOE_E_ARGUMENT);
}

TEST(Views, WriteStruct_WhenTheCallerIsOlder_WritesWhatItKnows) {
  Known target{8, 0, 77};
  const Known source{sizeof(Known), 3, 4};
  write_struct(&source, &target, sizeof source);
  EXPECT_EQ(target.struct_size, 8u);
  EXPECT_EQ(target.a, 3);
  EXPECT_EQ(target.b, 77);
}

TEST(Views, RequireDisjoint_WhenRangesShareAByte_NamesBoth) {
  char bytes[64] = {};
  const Span a{"a", bytes, 16}, b{"b", bytes + 15, 16}, c{"c", bytes + 16, 16}, none{"none", nullptr, 0};
  const Span out1[] = {a, c, none};
  EXPECT_NO_THROW(require_disjoint(out1, 3, &none, 1));
  EXPECT_EQ(failure([&] { require_disjoint(&a, 1, &b, 1); }).second, "a overlaps b");
  const Span out2[] = {b, c};
  EXPECT_EQ(failure([&] { require_disjoint(out2, 2, &none, 1); }).second, "c overlaps b");
}

TEST(Views, SpanOf_WhenBytesExceedTheAddressSpace_NamesTheElements) {
  const float value = 0;
  const int64_t most = (int64_t{1} << 62) / 4;
  EXPECT_EQ(span_of(&value, most, "logits").bytes, int64_t{1} << 62);
  EXPECT_EQ(
      failure([&] { span_of(&value, most + 1, "logits"); }),
      std::make_pair(DMOE_E_SHAPE,
                     std::string("logits with 1152921504606846977 elements exceeds the address space")));
}

TEST(Views, FirstNotFinite_WhereverItIs_FindsTheLowest) {
  for (int64_t n : {1, 255, 256, 257, 1000}) {
    std::vector<float> values(static_cast<size_t>(n), 1.0f);
    EXPECT_EQ(first_not_finite(values.data(), n), -1);
    for (int64_t at : {int64_t{0}, n / 2, n - 1}) {
      auto bad = values;
      bad.back() = std::numeric_limits<float>::quiet_NaN();
      bad[static_cast<size_t>(at)] = -std::numeric_limits<float>::infinity();
      EXPECT_EQ(first_not_finite(bad.data(), n), at);
    }
  }
}

}  // namespace
}  // namespace dmoe
