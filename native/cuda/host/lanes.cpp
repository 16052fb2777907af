#include "host/lanes.hpp"

#include <algorithm>

#include "host/flight.hpp"

namespace dmoe::cuda {

void Lanes::Lease::give_back() noexcept {
  if (lane_ != nullptr) lanes_->put(lane_);
  lane_ = nullptr;
}

Lanes::Lease Lanes::lease(std::size_t workspace_bytes, std::size_t staging_bytes) {
  Lease lease(*this, take());
  lease->reserve(pool_, workspace_bytes, staging_bytes);
  return lease;
}

Lane* Lanes::take() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!idle_.empty()) {
      Lane* const lane = idle_.back();
      idle_.pop_back();
      return lane;
    }
    if (static_cast<int>(all_.size()) < most_) {
      all_.reserve(static_cast<std::size_t>(most_));
      idle_.reserve(static_cast<std::size_t>(most_));  // put() may not allocate
      all_.push_back(std::make_unique<Lane>(context_));
      return all_.back().get();
    }
    // A flight gives its lane back when somebody looks; a call that waits by itself wakes us.
    if (std::shared_ptr<Flight> flight = next_flight()) {
      lock.unlock();
      flight->finish();
      flight.reset();
      lock.lock();
    } else {
      returned_.wait(lock);
    }
  }
}

void Lanes::put(Lane* lane) noexcept {
  const std::lock_guard lock(mutex_);
  idle_.push_back(lane);
  returned_.notify_one();
}

// With the mutex held. A flight that has ended has no lane, so that to let go of it here takes no lock.
std::shared_ptr<Flight> Lanes::next_flight() {
  while (!flights_.empty()) {
    std::shared_ptr<Flight> flight = flights_.front().lock();
    flights_.erase(flights_.begin());
    if (flight != nullptr && !flight->ended()) return flight;
  }
  return nullptr;
}

void Lanes::add_flight(const std::shared_ptr<Flight>& flight) {
  std::vector<std::shared_ptr<Flight>> under_way;  // let go of without the mutex
  under_way.reserve(static_cast<std::size_t>(most_) + 1);
  const std::lock_guard lock(mutex_);
  for (const std::weak_ptr<Flight>& weak : flights_) {
    std::shared_ptr<Flight> other = weak.lock();
    if (other != nullptr && !other->ended()) under_way.push_back(std::move(other));
  }
  under_way.push_back(flight);
  flights_.assign(under_way.begin(), under_way.end());
  returned_.notify_all();  // who waits for a lane can wait for this flight
}

void Lanes::free_idle() noexcept {
  const std::lock_guard lock(mutex_);
  for (Lane* lane : idle_) {
    lane->workspace = DeviceBuffer();
    lane->staging = PinnedBuffer();
    lane->graphs = GraphCache();
  }
}

int Lanes::in_use() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(all_.size() - idle_.size());
}

}  // namespace dmoe::cuda
