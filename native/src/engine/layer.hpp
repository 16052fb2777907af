// A layer: router and experts, put together. What dmoe_layer stands for.
#ifndef DYNAMICMOE_ENGINE_LAYER_HPP_
#define DYNAMICMOE_ENGINE_LAYER_HPP_

#include <cstdint>
#include <memory>

#include "core/memory.hpp"
#include "core/views.hpp"
#include "core/workspace.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "engine/expert_pass.hpp"
#include "engine/experts.hpp"
#include "engine/forward_call.hpp"
#include "engine/router.hpp"

namespace dmoe {

class Layer {
 public:
  /** Checks that the parts fit. @param shared may be null
   *  Throws DMOE_E_OPTIONS, SHAPE, STATE; std::bad_alloc. */
  Layer(const dmoe_layer_options& options, std::shared_ptr<const Router> router,
        std::shared_ptr<const Experts> routed, std::shared_ptr<const Experts> shared);

  /** dmoe_layer_forward. Everything is checked and routed before the first byte of output is written. */
  void forward(const MatrixView& hidden, const dmoe_route_params* params, const dmoe_layer_params* limits,
               const dmoe_routes* routes, const OutputView& output, dmoe_batch_report* report) const;
  /** dmoe_layer_execute. */
  void execute(const MatrixView& hidden, const dmoe_routes* routes, const OutputView& output,
               dmoe_batch_report* report) const;

  const dmoe_layer_options& options() const noexcept { return options_; }
  const std::shared_ptr<const Router>& router() const noexcept { return router_; }
  const Experts& routed() const noexcept { return *routed_; }
  const std::shared_ptr<const Experts>& routed_owner() const noexcept { return routed_; }
  /** nullptr when there are none. */
  const Experts* shared() const noexcept { return shared_.get(); }
  const std::shared_ptr<const Experts>& shared_owner() const noexcept { return shared_; }
  /** [hidden], or nullptr when shared experts have weight 1. */
  const float* shared_gate() const noexcept { return setup_.shared_gate; }

 private:
  struct ForwardScratch;

  // The parts of the calls that wait for their turn. The workspace is taken in them: there need be no more of
  // these than calls that run.
  void forward_now(const MatrixView& hidden, const ForwardCall& checked, const OutputView& output,
                   dmoe_batch_report* report) const;
  void execute_now(const MatrixView& hidden, const dmoe_routes& given, const OutputView& output,
                   dmoe_batch_report* report) const;
  /** What the passes of one call are made of. The pool may be resized while the call runs; all of it goes by
   * the size that this asked for. */
  ExpertPassSetup setup_of_call() const noexcept;
  /** See in_turn(). */
  double microseconds(int64_t tokens, int64_t slots) const noexcept;
  int64_t block_tokens(int64_t slots) const;
  void run_blocks(ExpertPass& pass, const MatrixView& hidden, const int32_t* ids, const float* weights,
                  int64_t slots, const OutputView& output) const;

  dmoe_layer_options options_;
  std::shared_ptr<const Router> router_;
  std::shared_ptr<const Experts> routed_;
  std::shared_ptr<const Experts> shared_;
  Buffer<float> shared_gate_;
  ExpertPassSetup setup_;  // without threads
  SharedWorkspaces workspaces_;
};

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_LAYER_HPP_
