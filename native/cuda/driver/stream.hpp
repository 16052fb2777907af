// Streams, events and graphs as objects. Made and destroyed with the context current.
#ifndef DYNAMICMOE_CUDA_DRIVER_STREAM_HPP_
#define DYNAMICMOE_CUDA_DRIVER_STREAM_HPP_

#include <utility>

#include "driver/context.hpp"

namespace dmoe::cuda {

/** A stream that does not wait for the legacy default stream. Destroying it waits for its work. */
class Stream {
 public:
  explicit Stream(const Context& context);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();
  StreamHandle handle() const noexcept { return handle_; }

 private:
  const Context& context_;
  StreamHandle handle_ = nullptr;
};

/** Throws DMOE_E_STATE when a caller's stream is being captured: what takes memory of its own can't be part
 * of another graph. @param stream NULL = nobody's */
void require_not_captured(const Context& context, StreamHandle stream);

/** A point in a stream. Waiting sleeps; it does not spin. */
class Event {
 public:
  explicit Event(const Context& context);
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();
  void record(StreamHandle stream);
  EventHandle handle() const noexcept { return handle_; }

 private:
  const Context& context_;
  EventHandle handle_ = nullptr;
};

/** Work recorded once, to be launched as one. */
class Graph {
 public:
  Graph() = default;
  /** Records what enqueue(stream) puts onto a stream that nobody else uses meanwhile; nothing of it runs.
   * Throws DMOE_E_BACKEND, and what enqueue throws. */
  template <typename Enqueue>
  Graph(const Context& context, StreamHandle stream, Enqueue&& enqueue) : context_(&context) {
    begin(stream);
    try {
      enqueue(stream);
    } catch (...) {
      abandon(stream);
      throw;
    }
    end(stream);
  }
  Graph(Graph&& other) noexcept { swap(other); }
  Graph& operator=(Graph&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Graph();

  /** Throws DMOE_E_BACKEND. @param operation for the text */
  void launch(StreamHandle stream, const char* operation) const;

 private:
  void begin(StreamHandle stream);
  void end(StreamHandle stream);
  void abandon(StreamHandle stream) noexcept;
  void swap(Graph& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(executable_, other.executable_);
  }

  const Context* context_ = nullptr;
  GraphExecHandle executable_ = nullptr;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_STREAM_HPP_
