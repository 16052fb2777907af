#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "dynamicmoe/dynamicmoe.h"

namespace {

TEST(Layout, Table_WhenWalked_CoversEachStructWithoutOverlap) {
  int32_t count = 0;
  const dmoe_layout_entry* table = dmoe_layout_table(&count);
  ASSERT_GT(count, 100);
  int structs = 0;
  uint32_t end = 0, size = 0;
  for (int32_t i = 0; i < count; ++i) {
    EXPECT_EQ(table[i].struct_size, sizeof(dmoe_layout_entry));
    if (std::string(table[i].field_name).empty()) {
      EXPECT_LE(size - end, 7u) << "fields are missing before " << table[i].type_name;
      ++structs;
      size = table[i].size;
      end = 0;
      continue;
    }
    if (end == 0) EXPECT_STREQ(table[i].field_name, "struct_size");
    EXPECT_GE(table[i].offset, end);
    EXPECT_LE(table[i].offset - end, 7u) << "a field is missing before " << table[i].field_name;
    end = table[i].offset + table[i].size;
    EXPECT_LE(end, size);
  }
  EXPECT_EQ(structs, 24);
}

TEST(Layout, Table_ForKnownFields_TellsTheirPlace) {
  int32_t count = 0;
  const dmoe_layout_entry* table = dmoe_layout_table(&count);
  bool found = false;
  for (int32_t i = 0; i < count; ++i)
    if (std::string(table[i].type_name) == "dmoe_routes" && std::string(table[i].field_name) == "gaps") {
      found = true;
      EXPECT_EQ(table[i].offset, offsetof(dmoe_routes, gaps));
      EXPECT_EQ(table[i].size, sizeof(float*));
    }
  EXPECT_TRUE(found);
  EXPECT_NE(dmoe_layout_table(nullptr), nullptr);
}

}  // namespace
