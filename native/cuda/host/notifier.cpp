#include "host/notifier.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "core/status.hpp"

namespace dmoe::cuda {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr Clock::duration kShortest = 20us;
constexpr Clock::duration kLongest = 1ms;

struct Asked {
  std::shared_ptr<Flight> flight;
  void (*callback)(void*);
  void* context;
  Clock::time_point since;
};

// Never destroyed, and its thread never joined: it sleeps while there is nothing to look at.
class Notifier {
 public:
  /** @param asked one, moved out */
  void add(std::list<Asked>& asked) {
    const std::lock_guard lock(mutex_);
    if (!running_) {
      try {
        std::thread([this] { serve(); }).detach();
      } catch (const std::system_error& error) {
        fail(DMOE_E_NO_MEMORY, "no thread for callbacks: %s", error.what());
      }
      running_ = true;
    }
    new_.splice(new_.end(), asked);
    added_.notify_one();
  }

 private:
  // Lists only change hands here, so that this thread needs no memory: it has nobody to tell that there is
  // none.
  void serve() {
    std::list<Asked> open, ended;
    for (;;) {
      take_new(open);
      for (auto a = open.begin(); a != open.end();) {
        const auto it = a++;
        if (it->flight->query()) ended.splice(ended.end(), open, it);
      }
      for (Asked& a : ended) {
        a.flight.reset();  // so that who is called back can close the device and know it closed
        a.callback(a.context);
      }
      ended.clear();
    }
  }

  // Waits for something to look at, or for the time to look again.
  void take_new(std::list<Asked>& open) {
    std::unique_lock lock(mutex_);
    if (open.empty())
      added_.wait(lock, [this] { return !new_.empty(); });
    else  // the newest is the last
      added_.wait_for(lock, std::clamp((Clock::now() - open.back().since) / 8, kShortest, kLongest));
    open.splice(open.end(), new_);
  }

  std::mutex mutex_;
  std::condition_variable added_;
  std::list<Asked> new_;
  bool running_ = false;
};

Notifier& notifier() {
  static auto* const one = new Notifier;
  return *one;
}

}  // namespace

void notify(std::shared_ptr<Flight> flight, void (*callback)(void* context), void* context) {
  std::list<Asked> asked;
  asked.push_back({std::move(flight), callback, context, Clock::now()});
  notifier().add(asked);
}

}  // namespace dmoe::cuda
