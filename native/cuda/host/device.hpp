// An open device: context, kernels, memory and lanes. What dmoe_device stands for.
#ifndef DYNAMICMOE_CUDA_HOST_DEVICE_HPP_
#define DYNAMICMOE_CUDA_HOST_DEVICE_HPP_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "driver/images.hpp"
#include "driver/memory.hpp"
#include "dynamicmoe/dynamicmoe.h"
#include "host/expert_copies.hpp"
#include "host/kernels.hpp"
#include "host/lanes.hpp"

namespace dmoe::cuda {

/** May be used by many threads at once. Layers and flights on it share its ownership. */
class Device {
 public:
  /** Throws DMOE_E_OPTIONS, BACKEND ("unavailable, because ..."), DEVICE_MEMORY; std::bad_alloc.
   * @param images the kernels; others than those of this build in tests only */
  explicit Device(const dmoe_device_options& options, const PtxImage* images = kImages,
                  int image_count = kImageCount);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  const dmoe_device_info& info() const noexcept { return info_; }
  const Context& context() const noexcept { return context_; }
  /** Whether to wait after every step. */
  bool checks_ops() const noexcept { return check_ops_; }
  int32_t multiprocessors() const noexcept { return info_.multiprocessors; }

  // These want the context current.
  const Kernels& kernels() const noexcept { return parts_->kernels; }
  Pool& pool() const noexcept { return parts_->pool; }
  Lanes& lanes() const noexcept { return parts_->lanes; }
  ExpertCopies& expert_copies() const noexcept { return parts_->expert_copies; }
  /** Puts a lane's program onto a stream, as a graph when it repeats. @param operation for texts */
  void run(Lane& lane, StreamHandle stream, bool graphs, const char* operation) const;
  /** Puts it onto the lane's stream and waits; whatever happens, the lane's work has ended afterwards. */
  void run_and_wait(Lane& lane, bool graphs, const char* operation) const;
  /** Waits for a stream. @param operation for texts */
  void wait(StreamHandle stream, const char* operation) const;

  /** dmoe_device_health, dmoe_device_memory, dmoe_device_trim. */
  void require_healthy() const;
  dmoe_device_usage usage() const;
  void trim() const;

  /** dmoe_device_alloc, dmoe_device_free. */
  DevicePointer allocate(int64_t bytes);
  void release(DevicePointer address);
  /** dmoe_device_upload, dmoe_device_download. A stream that is nullptr is one of the device's. */
  void upload(DevicePointer to, const void* from, int64_t bytes, StreamHandle stream) const;
  void download(void* to, DevicePointer from, int64_t bytes, StreamHandle stream) const;

  /** dmoe_device_stream_*. */
  StreamHandle create_stream() const;
  void close_stream(StreamHandle stream) const;
  bool query(StreamHandle stream) const;
  void wait_for(StreamHandle stream) const;
  /** The stream that NULL stands for in helpers. */
  StreamHandle own_stream() const noexcept { return parts_->stream.handle(); }

 private:
  // Made and destroyed with the context current.
  struct Parts {
    Parts(const Context& context, const PtxImage* images, int image_count, int max_calls)
        : kernels(context, images, image_count),
          pool(context),
          stream(context),
          lanes(context, pool, max_calls) {}

    Kernels kernels;
    Pool pool;
    Stream stream;
    Lanes lanes;
    ExpertCopies expert_copies;
    std::mutex mutex;  // of what follows
    std::map<DevicePointer, DeviceBuffer> allocations;
    std::map<StreamHandle, std::unique_ptr<Stream>> streams;
  };

  /** Enqueues, waits, and waits when that fails as well. */
  template <typename Enqueue>
  void settle(StreamHandle stream, const char* operation, Enqueue&& enqueue) const;

  const Driver& driver_;
  dmoe_device_info info_;
  bool check_ops_;
  Context context_;
  std::unique_ptr<Parts> parts_;
  mutable std::atomic<int64_t> launches_{0};
  mutable std::atomic<int64_t> graph_launches_{0};
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_DEVICE_HPP_
