#include "core/memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace dmoe {
namespace {

// 256 KiB is the size from which memory is whole huge pages; 5 MiB + 64 is no multiple of one. Sanitizers
// abort on an aligned_alloc whose size is not a multiple of the alignment.
TEST(Memory, Allocate_OfAnySize_IsAlignedCountedAndWritable) {
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100}, (std::size_t{256} << 10) - 1,
                            std::size_t{256} << 10, (std::size_t{5} << 20) + 64}) {
    const int64_t before = allocated_bytes();
    void* memory = allocate(bytes);
    ASSERT_NE(memory, nullptr) << bytes;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % kAlignment, 0u) << bytes;
    std::memset(memory, 1, bytes);
    // What is taken counts, rounding included.
    EXPECT_GE(allocated_bytes(), before + static_cast<int64_t>(bytes));
    EXPECT_LE(allocated_bytes(),
              before + static_cast<int64_t>(bytes + (bytes < (256u << 10) ? 64 : 2u << 20)));
    release(memory, bytes);
    EXPECT_EQ(allocated_bytes(), before);
  }
}

TEST(Memory, Allocate_WhenTheSizeIsAbsurd_Throws) { EXPECT_THROW(allocate(SIZE_MAX), std::bad_alloc); }

}  // namespace
}  // namespace dmoe
