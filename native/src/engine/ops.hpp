// Every operation's contract: what kernels.inc needs to be declared.
#ifndef DYNAMICMOE_ENGINE_OPS_HPP_
#define DYNAMICMOE_ENGINE_OPS_HPP_

#include "ops/attention/attention.hpp"
#include "ops/capacity/capacity.hpp"
#include "ops/combine/combine.hpp"
#include "ops/count/count.hpp"
#include "ops/dense/dense.hpp"
#include "ops/experts/experts.hpp"
#include "ops/gate/gate.hpp"
#include "ops/limits/limits.hpp"
#include "ops/logits/logits.hpp"
#include "ops/norm/norm.hpp"
#include "ops/plan/plan.hpp"
#include "ops/score/score.hpp"
#include "ops/select/select.hpp"

#endif  // DYNAMICMOE_ENGINE_OPS_HPP_
