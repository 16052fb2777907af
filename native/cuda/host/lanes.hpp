// The lanes of a device: as many as calls may be under way; further calls wait for one.
#ifndef DYNAMICMOE_CUDA_HOST_LANES_HPP_
#define DYNAMICMOE_CUDA_HOST_LANES_HPP_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "host/lane.hpp"

namespace dmoe::cuda {

class Flight;

/** Idle lanes last in, first out, so that a caller who comes back finds its graphs. All functions want the
 * context current. */
class Lanes {
 public:
  Lanes(const Context& context, Pool& pool, int most) : context_(context), pool_(pool), most_(most) {}
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  /** A lane for the length of a scope, or of a flight. */
  class Lease {
   public:
    Lease() = default;
    Lease(Lanes& lanes, Lane* lane) noexcept : lanes_(&lanes), lane_(lane) {}
    Lease(Lease&& other) noexcept { swap(other); }
    Lease& operator=(Lease&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Lease() { give_back(); }
    /** The lane's work must have ended. */
    void give_back() noexcept;
    Lane* operator->() const noexcept { return lane_; }
    Lane& operator*() const noexcept { return *lane_; }
    explicit operator bool() const noexcept { return lane_ != nullptr; }

   private:
    void swap(Lease& other) noexcept {
      std::swap(lanes_, other.lanes_);
      std::swap(lane_, other.lane_);
    }
    Lanes* lanes_ = nullptr;
    Lane* lane_ = nullptr;
  };

  /** Takes a lane with at least so many bytes; waits while all are in use. Throws DMOE_E_DEVICE_MEMORY,
   * NO_MEMORY, BACKEND. */
  Lease lease(std::size_t workspace_bytes, std::size_t staging_bytes);
  /** Tells of a call that ends without its caller, so that one who waits for a lane can wait for it. */
  void add_flight(const std::shared_ptr<Flight>& flight);
  /** Frees what idle lanes hold. */
  void free_idle() noexcept;
  /** Calls under way. */
  int in_use() const;

 private:
  Lane* take();
  void put(Lane* lane) noexcept;
  std::shared_ptr<Flight> next_flight();

  const Context& context_;
  Pool& pool_;
  const int most_;
  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Lane>> all_;
  std::vector<Lane*> idle_;
  std::vector<std::weak_ptr<Flight>> flights_;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_LANES_HPP_
