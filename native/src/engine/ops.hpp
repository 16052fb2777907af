// Every operation's contract: what kernels.inc needs to be declared.
#ifndef DYNAMICMOE_ENGINE_OPS_HPP_
#define DYNAMICMOE_ENGINE_OPS_HPP_

#include "ops/logits/logits.hpp"

#endif  // DYNAMICMOE_ENGINE_OPS_HPP_
