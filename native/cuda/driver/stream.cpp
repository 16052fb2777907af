#include "driver/stream.hpp"

#include "core/status.hpp"

namespace dmoe::cuda {

Stream::Stream(const Context& context) : context_(context) {
  context.check(context.api().cuStreamCreate(&handle_, kStreamNonBlocking), "cuStreamCreate");
}

Stream::~Stream() {
  context_.api().cuStreamSynchronize(handle_);
  context_.api().cuStreamDestroy_v2(handle_);
}

void require_not_captured(const Context& context, StreamHandle stream) {
  if (stream == nullptr) return;
  int status = kCaptureNone;
  context.check(context.api().cuStreamIsCapturing(stream, &status), "cuStreamIsCapturing");
  DMOE_REQUIRE(
      status == kCaptureNone, DMOE_E_STATE,
      "stream is being captured; this call takes memory of its own and can't be part of another graph");
}

Event::Event(const Context& context) : context_(context) {
  context.check(context.api().cuEventCreate(&handle_, kEventBlockingSync | kEventDisableTiming),
                "cuEventCreate");
}

Event::~Event() { context_.api().cuEventDestroy_v2(handle_); }

void Event::record(StreamHandle stream) {
  context_.check(context_.api().cuEventRecord(handle_, stream), "cuEventRecord");
}

void Graph::begin(StreamHandle stream) {
  context_->check(context_->api().cuStreamBeginCapture_v2(stream, kCaptureThreadLocal),
                  "cuStreamBeginCapture");
}

void Graph::end(StreamHandle stream) {
  const Api& api = context_->api();
  GraphHandle graph = nullptr;
  context_->check(api.cuStreamEndCapture(stream, &graph), "cuStreamEndCapture");
  const Result result = api.cuGraphInstantiateWithFlags(&executable_, graph, 0);
  api.cuGraphDestroy(graph);
  context_->check(result, "cuGraphInstantiate");
}

void Graph::abandon(StreamHandle stream) noexcept {
  GraphHandle graph = nullptr;
  if (context_->api().cuStreamEndCapture(stream, &graph) == kSuccess && graph != nullptr)
    context_->api().cuGraphDestroy(graph);
}

Graph::~Graph() {
  if (executable_ != nullptr) context_->api().cuGraphExecDestroy(executable_);
}

void Graph::launch(StreamHandle stream, const char* operation) const {
  context_->check(context_->api().cuGraphLaunch(executable_, stream), operation);
}

}  // namespace dmoe::cuda
