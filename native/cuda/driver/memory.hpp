// Device memory from a pool of this library, and pinned host memory that the device reads and writes.
#ifndef DYNAMICMOE_CUDA_DRIVER_MEMORY_HPP_
#define DYNAMICMOE_CUDA_DRIVER_MEMORY_HPP_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "driver/context.hpp"
#include "driver/stream.hpp"

namespace dmoe::cuda {

/** A stream-ordered pool of its own, which keeps what is freed: other users of the process's default pool see
 * nothing of it. All functions want the context current, and may be called by many threads at once. */
class Pool {
 public:
  /** Throws DMOE_E_BACKEND, DMOE_E_DEVICE_MEMORY. */
  explicit Pool(const Context& context);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  /** Called when the device is out of memory, before the one retry: gives back what can be done without. */
  void when_short(std::function<void()> give_back) { give_back_ = std::move(give_back); }

  /** Memory that every stream may use at once, aligned to 256. Out of memory: give back, trim, and try once
   * more. Throws DMOE_E_DEVICE_MEMORY, DMOE_E_BACKEND. @param what for the text */
  DevicePointer take(std::size_t bytes, const char* what);
  /** No work under way may use the memory. */
  void give(DevicePointer memory) noexcept;
  /** Memory for the work that follows on a stream, and its end there: nothing waits. Throws as take(). */
  DevicePointer take_on(StreamHandle stream, std::size_t bytes, const char* what);
  void give_on(StreamHandle stream, DevicePointer memory) noexcept;
  /** Returns to the driver what is not in use. Throws DMOE_E_BACKEND. */
  void trim();

  /** Bytes in use, and bytes that the pool has from the driver. Throws DMOE_E_BACKEND. */
  std::pair<int64_t, int64_t> bytes() const;
  /** Allocations that only the retry could serve. */
  int64_t retries() const noexcept { return retries_.load(std::memory_order_relaxed); }

 private:
  template <typename Try>
  DevicePointer take_or_retry(std::size_t bytes, const char* what, Try&& try_once);

  const Context& context_;
  Stream stream_;  // that memory is taken and given back on
  PoolHandle handle_ = nullptr;
  std::function<void()> give_back_;
  std::atomic<int64_t> retries_{0};
};

/** A block of device memory. Made and destroyed with the context current. */
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(Pool& pool, std::size_t bytes, const char* what);
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceBuffer();

  DevicePointer address() const noexcept { return address_; }
  std::size_t bytes() const noexcept { return bytes_; }
  /** The address as kernels take it; the host cannot follow it. */
  template <typename T>
  T* as(std::size_t offset = 0) const noexcept {
    return reinterpret_cast<T*>(static_cast<uintptr_t>(address_ + offset));
  }

 private:
  void swap(DeviceBuffer& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
  }

  Pool* pool_ = nullptr;
  DevicePointer address_ = 0;
  std::size_t bytes_ = 0;
};

/** Scratch memory of work on one stream. */
class OrderedBuffer {
 public:
  OrderedBuffer(Pool& pool, std::size_t bytes, StreamHandle stream, const char* what)
      : pool_(pool), stream_(stream), address_(pool.take_on(stream, bytes, what)) {}
  OrderedBuffer(const OrderedBuffer&) = delete;
  OrderedBuffer& operator=(const OrderedBuffer&) = delete;
  ~OrderedBuffer() { pool_.give_on(stream_, address_); }
  DevicePointer address() const noexcept { return address_; }

 private:
  Pool& pool_;
  StreamHandle stream_;
  DevicePointer address_;
};

/** Page-locked host memory: copies from and to it run beside the caller. Made and destroyed with the context
 * current. */
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  /** Throws DMOE_E_NO_MEMORY, DMOE_E_BACKEND. */
  PinnedBuffer(const Context& context, std::size_t bytes);
  PinnedBuffer(PinnedBuffer&& other) noexcept { swap(other); }
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~PinnedBuffer();

  std::byte* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  void swap(PinnedBuffer& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  const Context* context_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_DRIVER_MEMORY_HPP_
