// The loop of the out-of-memory tests: an operation again and again, each time with a later allocation
// failing, until it asks for none that fails.
#ifndef DYNAMICMOE_TESTS_MEMORY_EACH_FAILURE_HPP_
#define DYNAMICMOE_TESTS_MEMORY_EACH_FAILURE_HPP_

#include <gtest/gtest.h>

#include <cstring>

#include "dynamicmoe/dynamicmoe.h"
#include "support/allocation_faults.hpp"

namespace dmoe::test {

/** Runs `operation` once with each of its allocations failing: it must report DMOE_E_NO_MEMORY, hold no block
 * of operator new afterwards, and pass `check`. Ends after the first run without a failure, which must
 * succeed.
 *  @param operation () -> dmoe_status; must allocate nothing of its own
 *  @param check (bool failed) -> void, called after each run, outside the fault; undoes a success
 *  @return allocations that were made to fail */
template <typename Operation, typename Check>
int64_t each_failure(Operation operation, Check check) {
  constexpr int64_t kMost = 200;
  for (int64_t which = 1; which <= kMost; ++which) {
    AllocationFault fault(which);
    const dmoe_status status = operation();
    fault.end();
    if (!fault.fired()) {
      EXPECT_EQ(status, DMOE_OK) << dmoe_last_error();
      check(false);
      return which - 1;
    }
    EXPECT_EQ(status, DMOE_E_NO_MEMORY) << "allocation " << which << ": " << dmoe_last_error();
    EXPECT_NE(std::strstr(dmoe_last_error(), ": out of memory"), nullptr) << dmoe_last_error();
    EXPECT_EQ(fault.held(), 0) << "allocation " << which;
    check(true);
  }
  ADD_FAILURE() << "no end after " << kMost << " allocations";
  return kMost;
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_MEMORY_EACH_FAILURE_HPP_
