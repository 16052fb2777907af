// The PTX that is committed under native/cuda/ptx, by the entries of kernels.inc.
#ifndef DYNAMICMOE_TESTS_CUDA_PTX_COMMITTED_HPP_
#define DYNAMICMOE_TESTS_CUDA_PTX_COMMITTED_HPP_

#include <string>

#include "cuda/ptx/module.hpp"

namespace dmoe::ptx {

/** Text of native/cuda/ptx/sm_80/<file>.ptx. Throws a LaunchError when it cannot be read. */
std::string committed_text(const std::string& file);
/** The file of kernels.inc that has the entry. Throws a LaunchError when there is none. */
std::string file_of(const char* entry);
/** Parsed once. */
const Entry& committed_entry(const char* entry);

}  // namespace dmoe::ptx

#endif  // DYNAMICMOE_TESTS_CUDA_PTX_COMMITTED_HPP_
