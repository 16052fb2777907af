// Streams, events and graphs.
#include "cuda/driver/state.hpp"

namespace dmoe::cuda {

using simulated::call;
using simulated::Event;
using simulated::Graph;
using simulated::Needs;
using simulated::State;
using simulated::Stream;

namespace {

/** A call that may not touch a stream while it is captured, and spoils the capture. */
Result refuse_in_capture(const Stream& stream) {
  if (stream.capture == nullptr) return kSuccess;
  stream.capture->invalid = true;
  return kStreamCaptureUnsupported;
}

/** One work at a time, so that who asks again and again gets on, and who asks once sees it unfinished. */
Result query(State& all, Stream& stream, uint64_t until) {
  if (all.lost != 0) return all.lost;
  if (stream.done >= until) return kSuccess;
  if (const Result result = all.run_until(stream, stream.done + 1)) return result;
  return kNotReady;
}

}  // namespace

Result cuStreamCreate(StreamHandle* stream, unsigned flags) {
  return call("cuStreamCreate", Needs::kContext, [&](State& all) -> Result {
    if (flags > kStreamNonBlocking) return kInvalidValue;
    *stream = all.streams.add(std::make_shared<Stream>());
    return kSuccess;
  });
}

Result cuStreamDestroy_v2(StreamHandle stream) {
  return call("cuStreamDestroy_v2", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.streams.find(stream);
    if (it == nullptr) return kInvalidHandle;
    all.run_all(*it);
    all.streams.remove(stream);
    return kSuccess;
  });
}

Result cuStreamSynchronize(StreamHandle stream) {
  return call("cuStreamSynchronize", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.stream(stream);
    if (it == nullptr) return kInvalidHandle;
    if (const Result result = refuse_in_capture(*it)) return result;
    return all.run_all(*it);
  });
}

Result cuStreamQuery(StreamHandle stream) {
  return call("cuStreamQuery", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.stream(stream);
    if (it == nullptr) return kInvalidHandle;
    if (const Result result = refuse_in_capture(*it)) return result;
    return query(all, *it, it->pushed);
  });
}

Result cuStreamWaitEvent(StreamHandle stream, EventHandle event, unsigned) {
  return call("cuStreamWaitEvent", Needs::kContext, [&](State& all) -> Result {
    const auto on = all.stream(stream);
    const auto it = all.events.find(event);
    if (on == nullptr || it == nullptr) return kInvalidHandle;
    if (it->capture != nullptr) {  // the stream joins the capture
      if (on->capture != nullptr && on->capture != it->capture) return kStreamCaptureUnsupported;
      on->capture = it->capture;
      return kSuccess;
    }
    if (on->capture != nullptr) return simulated::kStreamCaptureImplicit;
    if (it->stream == nullptr) return kSuccess;
    // What the event stands for now; a later record does not change it.
    all.push(*on, "cuStreamWaitEvent",
             [&all, from = it->stream, at = it->at]() -> Result { return all.run_until(*from, at); });
    return kSuccess;
  });
}

Result cuStreamIsCapturing(StreamHandle stream, int* status) {
  return call("cuStreamIsCapturing", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.stream(stream);
    if (it == nullptr) return kInvalidHandle;
    *status = it->capture == nullptr ? kCaptureNone : it->capture->invalid ? 2 : 1;
    return kSuccess;
  });
}

Result cuLaunchHostFunc(StreamHandle stream, void (*function)(void*), void* data) {
  return call("cuLaunchHostFunc", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.stream(stream);
    if (it == nullptr) return kInvalidHandle;
    all.push(*it, "cuLaunchHostFunc", [function, data]() -> Result {
      function(data);  // under the lock: a host function may not call the driver
      return kSuccess;
    });
    return kSuccess;
  });
}

Result cuEventCreate(EventHandle* event, unsigned flags) {
  return call("cuEventCreate", Needs::kContext, [&](State& all) -> Result {
    auto made = std::make_shared<Event>();
    made->timing = (flags & kEventDisableTiming) == 0;
    *event = all.events.add(std::move(made));
    return kSuccess;
  });
}

Result cuEventDestroy_v2(EventHandle event) {
  return call("cuEventDestroy_v2", Needs::kContext,
              [&](State& all) -> Result { return all.events.remove(event) ? kSuccess : kInvalidHandle; });
}

Result cuEventRecord(EventHandle event, StreamHandle stream) {
  return call("cuEventRecord", Needs::kContext, [&](State& all) -> Result {
    const auto on = all.stream(stream);
    const auto it = all.events.find(event);
    if (on == nullptr || it == nullptr) return kInvalidHandle;
    it->capture = on->capture;
    if (on->capture != nullptr) return kSuccess;
    all.push(*on, "cuEventRecord", []() -> Result { return kSuccess; });
    it->stream = on;
    it->at = on->pushed;
    return kSuccess;
  });
}

Result cuEventQuery(EventHandle event) {
  return call("cuEventQuery", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.events.find(event);
    if (it == nullptr) return kInvalidHandle;
    if (it->capture != nullptr) return kStreamCaptureUnsupported;
    return it->stream == nullptr ? kSuccess : query(all, *it->stream, it->at);
  });
}

Result cuEventSynchronize(EventHandle event) {
  return call("cuEventSynchronize", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.events.find(event);
    if (it == nullptr) return kInvalidHandle;
    if (it->capture != nullptr) return kStreamCaptureUnsupported;
    return it->stream == nullptr ? kSuccess : all.run_until(*it->stream, it->at);
  });
}

// There is no clock: a microsecond for each work between the two.
Result cuEventElapsedTime(float* milliseconds, EventHandle start, EventHandle end) {
  return call("cuEventElapsedTime", Needs::kContext, [&](State& all) -> Result {
    const auto from = all.events.find(start), to = all.events.find(end);
    if (from == nullptr || to == nullptr || !from->timing || !to->timing) return kInvalidHandle;
    if (from->stream == nullptr || to->stream == nullptr) return kInvalidHandle;
    if (from->stream->done < from->at || to->stream->done < to->at) return kNotReady;
    *milliseconds = 1e-3f * (static_cast<float>(to->at) - static_cast<float>(from->at));
    return kSuccess;
  });
}

Result cuStreamBeginCapture_v2(StreamHandle stream, int) {
  return call("cuStreamBeginCapture_v2", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.streams.find(stream);
    if (it == nullptr) return stream == nullptr ? kStreamCaptureUnsupported : kInvalidHandle;
    if (it->capture != nullptr) return simulated::kIllegalState;
    it->capture = std::make_shared<Graph>();
    it->began_capture = true;
    return kSuccess;
  });
}

Result cuStreamEndCapture(StreamHandle stream, GraphHandle* graph) {
  return call("cuStreamEndCapture", Needs::kContext, [&](State& all) -> Result {
    *graph = nullptr;
    const auto it = all.streams.find(stream);
    if (it == nullptr) return kInvalidHandle;
    if (it->capture == nullptr || !it->began_capture) return simulated::kStreamCaptureUnmatched;
    const std::shared_ptr<Graph> captured = it->capture;
    for (const auto& [handle, other] : all.streams) {
      if (other->capture == captured) other->capture = nullptr;
    }
    it->began_capture = false;
    if (captured->invalid) return kStreamCaptureInvalidated;
    *graph = all.graphs.add(captured);
    return kSuccess;
  });
}

Result cuGraphInstantiateWithFlags(GraphExecHandle* executable, GraphHandle graph, unsigned long long) {
  return call("cuGraphInstantiateWithFlags", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.graphs.find(graph);
    if (it == nullptr) return kInvalidHandle;
    *executable = all.executables.add(std::make_shared<Graph>(*it));
    return kSuccess;
  });
}

Result cuGraphLaunch(GraphExecHandle executable, StreamHandle stream) {
  return call("cuGraphLaunch", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.executables.find(executable);
    const auto on = all.stream(stream);
    if (it == nullptr || on == nullptr) return kInvalidHandle;
    if (const Result result = refuse_in_capture(*on)) return result;
    for (const simulated::Work& work : it->works) all.push(*on, work.name.c_str(), work.run);
    return kSuccess;
  });
}

Result cuGraphExecDestroy(GraphExecHandle executable) {
  return call("cuGraphExecDestroy", Needs::kContext, [&](State& all) -> Result {
    return all.executables.remove(executable) ? kSuccess : kInvalidHandle;
  });
}

Result cuGraphDestroy(GraphHandle graph) {
  return call("cuGraphDestroy", Needs::kContext,
              [&](State& all) -> Result { return all.graphs.remove(graph) ? kSuccess : kInvalidHandle; });
}

}  // namespace dmoe::cuda
