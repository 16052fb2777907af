// What a layer's calls are asked, checked: the same for every place that a layer runs on.
#ifndef DYNAMICMOE_ENGINE_FORWARD_CALL_HPP_
#define DYNAMICMOE_ENGINE_FORWARD_CALL_HPP_

#include <cstdint>

#include "core/views.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "engine/router.hpp"

namespace dmoe {

/** The arguments of dmoe_layer_forward after every check. */
struct ForwardCall {
  RouteCall route;
  dmoe_layer_params limits{};
  dmoe_routes routes{};  // the caller's; when it gave none, `slots` is all that is set
};
/** @param routes or nullptr @param limits or nullptr @param report or nullptr
 *  Throws DMOE_E_ARGUMENT, SHAPE, OPTIONS, NOT_FINITE, BALANCE. */
ForwardCall check_forward(const Router& router, const MatrixView& hidden, const dmoe_route_params* params,
                          const dmoe_layer_params* limits, const dmoe_routes* routes,
                          const OutputView& output, const dmoe_batch_report* report);

/** The arguments of dmoe_layer_execute, but for the routes' values. Throws DMOE_E_ARGUMENT, SHAPE. */
dmoe_routes check_execute(const Router& router, const MatrixView& hidden, const dmoe_routes* routes,
                          const OutputView& output, const dmoe_batch_report* report);
/** Ids in range and distinct within a token, weights finite. Throws DMOE_E_ARGUMENT, NOT_FINITE.
 *  @param last_token [experts] scratch */
void check_given_routes(const Router& router, const dmoe_routes& routes, int64_t* last_token);

/** Writes a batch's figures to a caller who asked for them. @param report or nullptr */
void write_report(const dmoe_batch_report& made, dmoe_batch_report* report);

}  // namespace dmoe

#endif  // DYNAMICMOE_ENGINE_FORWARD_CALL_HPP_
