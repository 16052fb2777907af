// Calls with device memory on a caller's stream: every chunk is put onto it, nothing is waited for.
#include <algorithm>

#include "core/status.hpp"
#include "engine/limit.hpp"
#include "host/device_layer.hpp"
#include "kernels/launch.hpp"

namespace dmoe::cuda {
namespace {

template <typename T>
T* pointer(uint64_t address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

template <typename T>
T* moved(uint64_t address, int64_t elements) {
  return address == 0 ? nullptr : pointer<T>(address) + elements;
}

void require_address(uint64_t address, const char* name) {
  DMOE_REQUIRE(address != 0, DMOE_E_ARGUMENT, "forward.%s is 0", name);
  DMOE_REQUIRE(address % sizeof(float) == 0, DMOE_E_ARGUMENT, "forward.%s is not aligned to 4 bytes", name);
}

int64_t rows_span(int64_t tokens, int64_t stride, int64_t columns) {
  return tokens == 0 ? 0 : checked_product(tokens - 1, stride, "forward") + columns;
}

// Shapes and addresses; nothing behind an address can be looked at.
void check_forward_memory(const dmoe_device_forward& f, const Router& router) {
  const int64_t hidden = router.hidden(), experts = router.experts();
  DMOE_REQUIRE(f.tokens >= 0, DMOE_E_SHAPE, "forward.tokens is %lld, must be >= 0",
               static_cast<long long>(f.tokens));
  if (f.tokens == 0) return;
  DMOE_REQUIRE(f.hidden_stride >= hidden, DMOE_E_SHAPE, "forward.hidden_stride is %lld, must be >= %lld",
               static_cast<long long>(f.hidden_stride), static_cast<long long>(hidden));
  DMOE_REQUIRE(f.output_stride >= hidden, DMOE_E_SHAPE, "forward.output_stride is %lld, must be >= %lld",
               static_cast<long long>(f.output_stride), static_cast<long long>(hidden));
  require_address(f.hidden, "hidden");
  require_address(f.output, "output");
  const int64_t cells = checked_product(f.tokens, f.slots, "routes");
  const Span written[] = {
      span_of(pointer<const float>(f.output), rows_span(f.tokens, f.output_stride, hidden), "forward.output"),
      span_of(pointer<const int32_t>(f.ids), cells, "forward.ids"),
      span_of(pointer<const float>(f.weights), cells, "forward.weights"),
      span_of(pointer<const int32_t>(f.counts), f.tokens, "forward.counts"),
      span_of(pointer<const float>(f.scores), f.tokens, "forward.scores"),
      span_of(pointer<const float>(f.logits), checked_product(f.tokens, experts, "logits"), "forward.logits"),
      span_of(pointer<const float>(f.gaps), cells, "forward.gaps")};
  const Span read[] = {
      span_of(pointer<const float>(f.hidden), rows_span(f.tokens, f.hidden_stride, hidden), "forward.hidden"),
      span_of(pointer<const float>(f.given_scores), f.tokens, "forward.given_scores")};
  require_disjoint(written, 7, read, 2);
}

ChunkRefs refs_of(const dmoe_device_forward& f, int64_t first, int64_t experts) {
  ChunkRefs refs;
  refs.hidden = moved<const float>(f.hidden, first * f.hidden_stride);
  refs.hidden_stride = f.hidden_stride;
  refs.output = moved<float>(f.output, first * f.output_stride);
  refs.output_stride = f.output_stride;
  refs.given_scores = moved<const float>(f.given_scores, first);
  refs.ids = moved<int32_t>(f.ids, first * f.slots);
  refs.weights = moved<float>(f.weights, first * f.slots);
  refs.counts = moved<int32_t>(f.counts, first);
  refs.scores = moved<float>(f.scores, first);
  refs.logits = moved<float>(f.logits, first * experts);
  refs.gaps = moved<float>(f.gaps, first * f.slots);
  return refs;
}

void require_decided(const Failures& failures, int64_t first, int32_t min_experts) {
  const int32_t bad = std::min(failures.not_finite, failures.unbalanced);
  if (bad == kNoFailure) return;
  const auto token = static_cast<long long>(first + bad);
  DMOE_REQUIRE(bad != failures.not_finite, DMOE_E_NOT_FINITE,
               "hidden of token %lld, or its logits, are not finite", token);
  fail(DMOE_E_BALANCE,
       "group limits and expert_mask leave token %lld fewer usable experts than min_experts (%d)", token,
       min_experts);
}

// What is left of a call once its chunks are on the stream.
struct Landing {
  ChunkShape shape;
  ChunkLayout layout;
  int64_t tokens;
  int32_t min_experts;
};

}  // namespace

std::shared_ptr<Flight> DeviceLayer::start(const dmoe_device_forward& given, const dmoe_route_params* params,
                                           StreamHandle stream) const {
  dmoe_device_forward forward = given;
  RouteRows asked;
  asked.slots = forward.slots;
  asked.gaps = pointer<float>(forward.gaps);  // whether there are any
  RouteCall call = router_->check(params, forward.tokens, asked);
  if (forward.slots == 0) {
    forward.slots = call.params.max_experts;
    asked.slots = forward.slots;
    call = router_->check(params, forward.tokens, asked);
  }
  DMOE_REQUIRE(forward.slots >= call.params.max_experts, DMOE_E_SHAPE,
               "forward.slots is %d, must be >= max_experts (%d)", forward.slots, call.params.max_experts);
  check_forward_memory(forward, *router_);
  if (forward.given_scores != 0) call.params.score_source = DMOE_SCORE_SUPPLIED;
  const int64_t size = std::min(std::max<int64_t>(forward.tokens, 1), chunk_tokens(forward.slots));

  device_->context().require_alive();
  const Current current(device_->context());
  require_not_captured(device_->context(), stream);

  ChunkShape shape;
  shape.tokens = size;
  shape.slots = forward.slots;
  shape.used_slots = call.params.max_experts;
  shape.call = &call;
  shape.routes = shape.runs = true;
  shape.given_scores = forward.given_scores != 0;
  const ChunkLayout layout(setup_, shape);
  shape.call = nullptr;
  auto landing = std::make_shared<Landing>(Landing{shape, layout, forward.tokens, call.params.min_experts});
  shape.call = &call;
  const int64_t chunks = (forward.tokens + size - 1) / size;
  // Staging memory is read when the stream comes to it, so that every chunk has its own.
  Lanes::Lease lane = device_->lanes().lease(
      layout.bytes, layout.scratch * static_cast<std::size_t>(std::max<int64_t>(chunks, 1)));
  if (stream == nullptr) {
    // After what the default stream holds: that is where callers who name no stream have their work.
    stream = lane->stream.handle();
    lane->done.record(nullptr);
    device_->context().check(device_->context().api().cuStreamWaitEvent(stream, lane->done.handle(), 0),
                             "cuStreamWaitEvent");
  }
  // The stream is waited for before the lane may go to another call.
  const auto conclude = [this, landing, stream](Lane& used) {
    int64_t load[kMostExperts] = {};
    const int64_t size_of_chunk = landing->shape.tokens;
    for (int64_t first = 0; first < landing->tokens; first += size_of_chunk) {
      const auto number = static_cast<std::size_t>(first / size_of_chunk);
      const ChunkMemory memory{used.workspace.address(),
                               used.staging.data() + number * landing->layout.scratch};
      require_decided(*memory.on_host<Failures>(landing->layout.failures), first, landing->min_experts);
      const int32_t* const offsets = memory.on_host<int32_t>(landing->layout.offsets);
      for (int32_t e = 0; e < router_->experts(); ++e) load[e] += offsets[e + 1] - offsets[e];
    }
    for (int64_t first = 0; first < landing->tokens; first += size_of_chunk) {
      const auto number = static_cast<std::size_t>(first / size_of_chunk);
      const ChunkMemory memory{used.workspace.address(),
                               used.staging.data() + number * landing->layout.scratch};
      const int32_t token = memory.on_host<Failures>(landing->layout.failures)->overflow;
      if (token == kNoFailure) continue;
      const int64_t count = std::min(size_of_chunk, landing->tokens - first);
      // Only the last chunk's rows are still there to tell the expert.
      if (first + size_of_chunk >= landing->tokens)
        require_finite(used.stream.handle(), landing->shape, landing->layout, memory, first, count);
      fail(DMOE_E_OVERFLOW, "token %lld: the sum of its experts is not finite",
           static_cast<long long>(first + token));
    }
    return make_report(load, router_->experts(), landing->tokens);
  };

  try {
    for (int64_t first = 0; first < forward.tokens; first += size) {
      const auto number = static_cast<std::size_t>(first / size);
      const ChunkMemory memory{lane->workspace.address(), lane->staging.data() + number * layout.scratch};
      const Chunk chunk(setup_, shape, layout, memory, refs_of(forward, first, router_->experts()), first,
                        std::min(size, forward.tokens - first));
      chunk.stage_params();
      lane->program.clear();
      chunk.add_steps(lane->program);
      device_->run(*lane, stream, graphs_, "layer");
    }
    lane->done.record(stream);
    auto flight = std::make_shared<Flight>(shared_from_this(), std::move(lane), conclude);
    device_->lanes().add_flight(flight);
    return flight;
  } catch (...) {
    device_->context().api().cuStreamSynchronize(stream);
    throw;
  }
}

}  // namespace dmoe::cuda
