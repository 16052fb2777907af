#include "cuda/driver/state.hpp"

#include <cstdio>
#include <cstdlib>

namespace dmoe::simulated {
namespace {

constexpr size_t kTraceLines = 20000;

}  // namespace

std::mutex lock;

/** Null until the first call. */
static std::unique_ptr<State>& current() {
  static std::unique_ptr<State> state;
  return state;
}

State& state() {
  if (current() == nullptr) {
    const char* text = std::getenv("DMOE_SIMULATED_CUDA");
    Settings settings;
    if (!parse_settings(text == nullptr ? "" : text, settings)) {
      std::fprintf(stderr, "DMOE_SIMULATED_CUDA is wrong: %s\n", text);
      std::abort();
    }
    current() = std::make_unique<State>(settings);
  }
  return *current();
}

std::vector<cuda::ContextHandle>& context_stack() {
  static thread_local std::vector<cuda::ContextHandle> stack;
  return stack;
}

State::~State() {
  for (const auto& [address, bytes] : pinned) std::free(reinterpret_cast<void*>(address));
}

bool State::is_pinned(const void* memory, size_t bytes) const {
  const auto at = reinterpret_cast<uintptr_t>(memory);
  auto range = pinned.upper_bound(at);
  if (range == pinned.begin()) return false;
  --range;
  const size_t within = at - range->first;
  return within < range->second && bytes <= range->second - within;
}

void State::note(const std::string& line) {
  trace.push_back(line);
  if (trace.size() > kTraceLines) trace.pop_front();
}

void State::push(Stream& stream, const char* name, std::function<Result()> run) {
  Work work{name, std::move(run)};
  if (stream.capture != nullptr) {
    stream.capture->works.push_back(std::move(work));
  } else {
    stream.queue.push_back(std::move(work));
    ++stream.pushed;
  }
}

Result State::run_until(Stream& stream, uint64_t count) {
  while (stream.done < count && !stream.queue.empty()) {
    const Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    ++stream.done;
    if (lost != 0) continue;  // nothing runs on a context that is lost
    Result result = strike(settings.breaks, work.name);
    if (result == 0) result = work.run();
    if (result != 0) {
      note("lost by " + work.name + ": " + std::to_string(result));
      lost = result;
    }
  }
  return lost;
}

Result State::run_everything() {
  run_all(*legacy_stream);
  for (const auto& [handle, stream] : streams) run_all(*stream);
  return lost;
}

}  // namespace dmoe::simulated

using dmoe::simulated::Settings;
using dmoe::simulated::State;

int dmoe_simulated_reset(const char* settings) {
  Settings parsed;
  if (!dmoe::simulated::parse_settings(settings, parsed)) return 0;
  const std::lock_guard<std::mutex> guard(dmoe::simulated::lock);
  auto& current = dmoe::simulated::current();
  const bool initialised = current != nullptr && current->initialised && parsed.devices > 0;
  current = std::make_unique<State>(parsed);
  current->initialised = initialised;
  dmoe::simulated::context_stack().clear();
  return 1;
}

int dmoe_simulated_add(const char* faults) {
  Settings parsed;
  if (!dmoe::simulated::parse_settings(faults, parsed)) return 0;
  const std::lock_guard<std::mutex> guard(dmoe::simulated::lock);
  Settings& settings = dmoe::simulated::state().settings;
  const auto append = [](std::vector<dmoe::simulated::Fault>& to, const std::vector<dmoe::simulated::Fault>& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  append(settings.failures, parsed.failures);
  append(settings.breaks, parsed.breaks);
  return 1;
}

const char* dmoe_simulated_trace() {
  static std::string text;
  const std::lock_guard<std::mutex> guard(dmoe::simulated::lock);
  text.clear();
  for (const std::string& line : dmoe::simulated::state().trace) text += line + "\n";
  return text.c_str();
}

long dmoe_simulated_count(const char* name) {
  const std::lock_guard<std::mutex> guard(dmoe::simulated::lock);
  return dmoe::simulated::state().counts[name];
}

const char* dmoe_simulated_live() {
  static std::string text;
  const std::lock_guard<std::mutex> guard(dmoe::simulated::lock);
  const State& all = dmoe::simulated::state();
  size_t retained = 0;
  for (const auto& [device, context] : all.contexts) retained += static_cast<size_t>(context->retained);
  text.clear();
  const auto add = [](const char* what, size_t count) {
    if (count != 0) text += (text.empty() ? "" : "; ") + (what + (" " + std::to_string(count)));
  };
  add("contexts", retained);
  add("modules", all.modules.size());
  add("streams", all.streams.size());
  add("events", all.events.size());
  add("graphs", all.graphs.size());
  add("executable graphs", all.executables.size());
  add("pools", all.pools.size());
  add("device allocations", all.memory.live_ranges());
  add("device bytes", all.memory.live_bytes());
  add("pinned allocations", all.pinned.size());
  return text.c_str();
}

long dmoe_simulated_pending() {
  const std::lock_guard<std::mutex> guard(dmoe::simulated::lock);
  const State& all = dmoe::simulated::state();
  size_t works = all.legacy_stream->queue.size();
  for (const auto& [handle, stream] : all.streams) works += stream->queue.size();
  return static_cast<long>(works);
}
