// Faults planted in the kernels, to prove that the tests see them. The environment variable DMOE_CUDA_FAULT
// names one of faults.inc; without it nothing changes.
#ifndef DYNAMICMOE_TESTS_CUDA_FAULTS_PLANTED_HPP_
#define DYNAMICMOE_TESTS_CUDA_FAULTS_PLANTED_HPP_

#include <string>
#include <vector>

namespace dmoe::test {

struct Fault {
  std::string name;
  /** File under native/cuda/ptx without its ending, whose text changes; or "source": then `from` is what
   * sim/planted.hpp takes. */
  const char* file;
  const char *from, *to;  // a regular expression, and what comes in place of a match, $1 = its first group
  /** Which of the places that have `from`, from 0; -1 = all. */
  int which;
  /** Filter of the tests that must fail. */
  const char* tests;
  /** How many places there must be, none of which may be left out; 0 = any number. */
  int places = 0;
};

const std::vector<Fault>& all_faults();
/** Null when none is planted. */
const Fault* planted_fault();
/** Places of a text that have fault.from. */
int places_of(const std::string& text, const Fault& fault);
/** The text with the fault; "" when it has no such place. */
std::string with_fault(const std::string& text, const Fault& fault);

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_CUDA_FAULTS_PLANTED_HPP_
