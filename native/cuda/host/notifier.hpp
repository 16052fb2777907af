// Calls back when flights have ended: one thread for the whole process, started by the first who asks.
#ifndef DYNAMICMOE_CUDA_HOST_NOTIFIER_HPP_
#define DYNAMICMOE_CUDA_HOST_NOTIFIER_HPP_

#include <memory>

#include "host/flight.hpp"

namespace dmoe::cuda {

/** The thread looks at flights with pauses of an eighth of the time that a flight has taken so far, within 20
 * us..1 ms. A function that the driver calls (cuLaunchHostFunc) would need no looking, but it is not called
 * when the device fails, and then the caller would wait for ever. Throws DMOE_E_NO_MEMORY when there is no
 * thread. */
void notify(std::shared_ptr<Flight> flight, void (*callback)(void* context), void* context);

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_NOTIFIER_HPP_
