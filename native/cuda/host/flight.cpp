#include "host/flight.hpp"

#include <new>

#include "host/device_layer.hpp"

namespace dmoe::cuda {

Flight::Flight(std::shared_ptr<const DeviceLayer> layer, Lanes::Lease lane,
               std::function<dmoe_batch_report(Lane&)> conclude)
    : context_(lane->context),
      layer_(std::move(layer)),
      lane_(std::move(lane)),
      conclude_(std::move(conclude)) {}

Flight::~Flight() { finish(); }

bool Flight::query() noexcept {
  if (ended()) return true;
  // Held by who waits: then it has not ended yet, or that thread sees to the end.
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || ended()) return ended();
  try {
    const Current current(context_);
    const Result result = context_.api().cuEventQuery(lane_->done.handle());
    if (result != kNotReady) conclude(result);
  } catch (const Status& status) {
    status_ = status;
    ended_.store(true, std::memory_order_release);
  }
  return ended();
}

void Flight::finish() noexcept {
  if (ended()) return;
  const std::lock_guard lock(mutex_);
  if (ended()) return;
  try {
    const Current current(context_);
    conclude(context_.api().cuEventSynchronize(lane_->done.handle()));
  } catch (const Status& status) {
    status_ = status;
    ended_.store(true, std::memory_order_release);
  }
}

dmoe_batch_report Flight::wait() {
  finish();
  if (status_.code() != DMOE_OK) throw Status(status_);
  return report_;
}

// With the mutex held and the context current.
void Flight::conclude(Result result) noexcept {
  try {
    context_.check(result, "layer");
    report_ = conclude_(*lane_);
  } catch (const Status& status) {
    status_ = status;
  } catch (const std::bad_alloc&) {
    status_ = Status(DMOE_E_NO_MEMORY, "out of memory");
  } catch (const std::exception& other) {
    status_ = Status(DMOE_E_INTERNAL, other.what());
  }
  lane_.give_back();
  ended_.store(true, std::memory_order_release);
}

}  // namespace dmoe::cuda
