// The device's memory: addresses that the host cannot touch, with the bytes elsewhere, and a record of which
// of them are allocated, to the byte. Not thread-safe: the driver's lock is held.
#ifndef DYNAMICMOE_TESTS_CUDA_DRIVER_DEVICE_MEMORY_HPP_
#define DYNAMICMOE_TESTS_CUDA_DRIVER_DEVICE_MEMORY_HPP_

#include <cstddef>
#include <cstdint>
#include <map>

namespace dmoe::simulated {

class DeviceMemory {
 public:
  DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory();

  /** A free range of addresses; 0 when there is none. It must be opened before it can be used. */
  uint64_t reserve(size_t bytes);
  /** From now on the range can be used; its bytes are 0xff. */
  void open(uint64_t address);
  /** From now on it cannot, and may be reserved anew. */
  void close(uint64_t address);
  /** Bytes that were asked for at this first address; 0 when it is none. */
  size_t size_of(uint64_t address) const;
  /** Whether the address lies in the device's range, allocated or not. */
  bool owns(uint64_t address) const;

  /** The bytes of a range that is open as a whole; else null. */
  unsigned char* bytes_at(uint64_t address, size_t bytes) const;

  size_t live_bytes() const { return live_bytes_; }
  size_t live_ranges() const { return ranges_.size(); }

 private:
  static constexpr size_t kRoom = size_t{4} << 30;
  static constexpr size_t kGranule = 16, kAlignment = 256;
  bool open_at(size_t at, size_t bytes) const;

  unsigned char* addresses_;  // nothing can be read or written here
  unsigned char* bytes_;
  /** Per granule: how many of its bytes, from its first, are open. */
  uint8_t* opened_;
  std::map<size_t, size_t> ranges_;  // offset -> bytes
  size_t live_bytes_ = 0;
};

}  // namespace dmoe::simulated

#endif  // DYNAMICMOE_TESTS_CUDA_DRIVER_DEVICE_MEMORY_HPP_
