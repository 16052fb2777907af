// Every operation's contract: what kernels.inc needs to be declared.
#ifndef DYNAMICMOE_ENGINE_OPS_HPP_
#define DYNAMICMOE_ENGINE_OPS_HPP_

#include "ops/attention/attention.hpp"
#include "ops/capacity/capacity.hpp"
#include "ops/combine/combine.hpp"
#include "ops/count/count.hpp"
#include "ops/dense/dense.hpp"
#include "ops/distinct/distinct.hpp"
#include "ops/experts/experts.hpp"
#include "ops/gate/gate.hpp"
#include "ops/limits/limits.hpp"
#include "ops/logits/logits.hpp"
#include "ops/norm/norm.hpp"
#include "ops/plan/plan.hpp"
#include "ops/score/score.hpp"
#include "ops/select/select.hpp"

// DMOE_HERE(level, text): the text where the processor family has the level, nothing elsewhere. Code over the
// lists names no kernel but through it, since those of another family are declared and never built.
#define DMOE_HERE(level, ...) DMOE_HERE_##level(__VA_ARGS__)
#define DMOE_HERE_DMOE_ISA_SCALAR(...) __VA_ARGS__
#if defined(__x86_64__)
#define DMOE_HERE_DMOE_ISA_AVX2(...) __VA_ARGS__
#define DMOE_HERE_DMOE_ISA_AVX512(...) __VA_ARGS__
#define DMOE_HERE_DMOE_ISA_AVX512VNNI(...) __VA_ARGS__
#define DMOE_HERE_DMOE_ISA_AVX512BF16(...) __VA_ARGS__
#else
#define DMOE_HERE_DMOE_ISA_AVX2(...)
#define DMOE_HERE_DMOE_ISA_AVX512(...)
#define DMOE_HERE_DMOE_ISA_AVX512VNNI(...)
#define DMOE_HERE_DMOE_ISA_AVX512BF16(...)
#endif
#if defined(__aarch64__)
#define DMOE_HERE_DMOE_ISA_NEON(...) __VA_ARGS__
#else
#define DMOE_HERE_DMOE_ISA_NEON(...)
#endif

#endif  // DYNAMICMOE_ENGINE_OPS_HPP_
