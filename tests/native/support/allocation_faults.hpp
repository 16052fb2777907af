// Allocations that fail on request. The test program replaces operator new and wraps aligned_alloc (see
// tests/native/CMakeLists.txt), which are all that the library calls; the library itself has no hook.
#ifndef DYNAMICMOE_TESTS_SUPPORT_ALLOCATION_FAULTS_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_ALLOCATION_FAULTS_HPP_

#include <cstdint>

namespace dmoe::test {

/** While it lives, one allocation of the calling thread fails. Do not nest. */
class AllocationFault {
 public:
  /** @param which 1 = the next allocation, 2 = the one after; 0 = none
   *  @param instead called just before that allocation, which then succeeds; may allocate nothing */
  explicit AllocationFault(int64_t which, void (*instead)() = nullptr);
  AllocationFault(const AllocationFault&) = delete;
  AllocationFault& operator=(const AllocationFault&) = delete;
  ~AllocationFault();

  /** Ends the fault; what is asked for afterwards is no longer counted. */
  void end();
  /** @return whether the allocation was asked for */
  bool fired() const { return fired_; }
  /** @return allocations asked for, the failed one included */
  int64_t asked() const { return asked_; }
  /** @return blocks of operator new that this thread took and has not given back */
  int64_t held() const { return held_; }

 private:
  bool fired_ = false;
  int64_t asked_ = 0;
  int64_t held_ = 0;
};

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_ALLOCATION_FAULTS_HPP_
