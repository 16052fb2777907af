// Every rule that decides something, once, for host and device: the same bits on every instruction-set level
// and on CUDA. C-like on purpose: static functions, no standard-library types, no allocation. FMA only where
// it is written.
#ifndef DYNAMICMOE_CORE_RULES_HPP_
#define DYNAMICMOE_CORE_RULES_HPP_

#include "core/rules/choice.hpp"
#include "core/rules/math.hpp"
#include "core/rules/noise.hpp"
#include "core/rules/rank.hpp"
#include "core/rules/score.hpp"

#endif  // DYNAMICMOE_CORE_RULES_HPP_
