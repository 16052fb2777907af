#include "host/notifier.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

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
  void add(Asked asked) {
    const std::lock_guard lock(mutex_);
    if (!running_) {
      try {
        std::thread([this] { serve(); }).detach();
      } catch (const std::system_error& error) {
        fail(DMOE_E_NO_MEMORY, "no thread for callbacks: %s", error.what());
      }
      running_ = true;
    }
    new_.push_back(std::move(asked));
    added_.notify_one();
  }

 private:
  void serve() {
    std::vector<Asked> open;
    for (;;) {
      take_new(open);
      const auto ended =
          std::stable_partition(open.begin(), open.end(), [](const Asked& a) { return !a.flight->query(); });
      for (auto a = ended; a != open.end(); ++a) a->callback(a->context);
      open.erase(ended, open.end());
    }
  }

  // Waits for something to look at, or for the time to look again.
  void take_new(std::vector<Asked>& open) {
    std::unique_lock lock(mutex_);
    if (open.empty()) {
      added_.wait(lock, [this] { return !new_.empty(); });
    } else {
      const auto newest = std::max_element(open.begin(), open.end(),
                                           [](const Asked& a, const Asked& b) { return a.since < b.since; });
      added_.wait_for(lock, std::clamp((Clock::now() - newest->since) / 8, kShortest, kLongest));
    }
    std::move(new_.begin(), new_.end(), std::back_inserter(open));
    new_.clear();
  }

  std::mutex mutex_;
  std::condition_variable added_;
  std::vector<Asked> new_;
  bool running_ = false;
};

Notifier& notifier() {
  static auto* const one = new Notifier;
  return *one;
}

}  // namespace

void notify(std::shared_ptr<Flight> flight, void (*callback)(void* context), void* context) {
  notifier().add({std::move(flight), callback, context, Clock::now()});
}

}  // namespace dmoe::cuda
