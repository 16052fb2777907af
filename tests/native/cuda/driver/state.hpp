// The simulated driver's state. Streams are lazy: work runs when someone waits for it, so that a wait that is
// missing shows.
#ifndef DYNAMICMOE_TESTS_CUDA_DRIVER_STATE_HPP_
#define DYNAMICMOE_TESTS_CUDA_DRIVER_STATE_HPP_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/driver/device_memory.hpp"
#include "cuda/driver/exports.hpp"
#include "cuda/driver/settings.hpp"
#include "cuda/ptx/module.hpp"

namespace dmoe::simulated {

using cuda::Result;

/** CUresult values that the library does not tell apart. */
constexpr Result kContextIsDestroyed = 709, kMisalignedAddress = 716, kIllegalState = 401, kUnknown = 999,
                 kStreamCaptureUnjoined = 904, kStreamCaptureImplicit = 906, kStreamCaptureUnmatched = 903;

struct Work {
  std::string name;
  std::function<Result()> run;
};
struct Graph {
  std::vector<Work> works;
  bool invalid = false;
};
struct Stream {
  std::deque<Work> queue;
  uint64_t pushed = 0, done = 0;
  std::shared_ptr<Graph> capture;  // takes the work in place of the queue
  bool began_capture = false;
};
struct Event {
  std::shared_ptr<Stream> stream;  // null before the first record
  uint64_t at = 0;
  std::shared_ptr<Graph> capture;
  bool timing = true;
};
struct Module {
  std::shared_ptr<const ptx::Module> ptx;
};
struct Function {
  std::shared_ptr<Module> module;
  const ptx::Entry* entry;
  size_t dynamic_limit;
};
struct Pool {
  int device = 0;
  size_t used = 0, reserved = 0;
  uint64_t threshold = 0;
};
struct Context {
  int device = 0, retained = 0;
};

/** Objects by their handles. */
template <class T, class Handle>
class Objects {
 public:
  Handle add(std::shared_ptr<T> object) {
    const auto handle = reinterpret_cast<Handle>(object.get());
    all_[handle] = std::move(object);
    return handle;
  }
  /** Null when there is none. */
  std::shared_ptr<T> find(Handle handle) const {
    const auto found = all_.find(handle);
    return found == all_.end() ? nullptr : found->second;
  }
  bool remove(Handle handle) { return all_.erase(handle) != 0; }
  size_t size() const { return all_.size(); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  std::map<Handle, std::shared_ptr<T>> all_;
};

struct State {
  explicit State(const Settings& s) : settings(s), legacy_stream(std::make_shared<Stream>()) {}
  ~State();

  Settings settings;
  bool initialised = false;
  Result lost = 0;  // what every call gives once a context is lost
  std::map<int, std::shared_ptr<Context>> contexts;
  Objects<Module, cuda::ModuleHandle> modules;
  std::map<cuda::FunctionHandle, std::shared_ptr<Function>> functions;
  Objects<Stream, cuda::StreamHandle> streams;
  std::shared_ptr<Stream> legacy_stream;  // handle 0
  Objects<Event, cuda::EventHandle> events;
  Objects<Graph, cuda::GraphHandle> graphs;
  Objects<Graph, cuda::GraphExecHandle> executables;
  Objects<Pool, cuda::PoolHandle> pools;
  std::map<int, std::shared_ptr<Pool>> default_pools;
  DeviceMemory memory;
  std::map<uint64_t, std::shared_ptr<Pool>> owners;  // of each range of memory
  std::map<uintptr_t, size_t> pinned;
  uint32_t launches = 0;  // seeds of their schedules
  std::deque<std::string> trace;
  std::map<std::string, long> counts;

  std::shared_ptr<Stream> stream(cuda::StreamHandle handle) const {
    return handle == nullptr ? legacy_stream : streams.find(handle);
  }
  /** Whether all of it is memory of cuMemHostAlloc. */
  bool is_pinned(const void* memory, size_t bytes) const;
  void note(const std::string& line);
  /** Puts work on a stream, or into the graph that it is captured to. */
  void push(Stream& stream, const char* name, std::function<Result()> run);
  /** Runs a stream's work up to that count. An error is kept in `lost`. */
  Result run_until(Stream& stream, uint64_t count);
  Result run_all(Stream& stream) { return run_until(stream, stream.pushed); }
  Result run_everything();
};

extern std::mutex lock;
/** Held under `lock`. */
State& state();
/** Contexts of the calling thread, the current one last. */
std::vector<cuda::ContextHandle>& context_stack();

enum class Needs { kNothing, kInit, kContext };
/** A call of the driver: lock, trace, the faults of the settings, what it needs; then the body. */
template <class Body>
Result call(const char* name, Needs needs, Body body) {
  const std::lock_guard<std::mutex> guard(lock);
  State& all = state();
  all.note(name);
  ++all.counts[name];
  if (const int code = strike(all.settings.failures, name)) return code;
  if (needs != Needs::kNothing && !all.initialised) return cuda::kNotInitialized;
  if (needs == Needs::kContext && all.lost != 0) return all.lost;
  if (needs == Needs::kContext && context_stack().empty()) return cuda::kInvalidContext;
  try {
    return body(all);
  } catch (...) {
    return kUnknown;
  }
}

}  // namespace dmoe::simulated

#endif  // DYNAMICMOE_TESTS_CUDA_DRIVER_STATE_HPP_
