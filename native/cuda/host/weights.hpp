// A layer's weights in device memory.
#ifndef DYNAMICMOE_CUDA_HOST_WEIGHTS_HPP_
#define DYNAMICMOE_CUDA_HOST_WEIGHTS_HPP_

#include "driver/memory.hpp"
#include "engine/experts.hpp"
#include "engine/router.hpp"
#include "host/device.hpp"
#include "kernels/tasks.hpp"

namespace dmoe::cuda {

/** Copies host memory to new device memory; the context must be current. @param what for the text */
DeviceBuffer upload_floats(const Device& device, const float* values, int64_t count, const char* what);

/** A router's gate weights [hidden, padded experts], k-major, and its bias. Made with the context current. */
class DeviceGate {
 public:
  DeviceGate(const Device& device, const Router& router);
  const float* weights() const noexcept { return weights_.as<const float>(); }
  /** nullptr when there is none. */
  const float* bias() const noexcept { return bias_.bytes() == 0 ? nullptr : bias_.as<const float>(); }

 private:
  DeviceBuffer weights_;
  DeviceBuffer bias_;
};

/** A set of experts in the device's layout (kernels/weights.hpp). Made with the context current. */
class DeviceExperts {
 public:
  DeviceExperts(const Device& device, const Experts& experts);

  /** A task with everything but rows, inputs and results. */
  ExpertsTask task() const noexcept { return task_; }
  int32_t format() const noexcept { return format_; }
  int32_t count() const noexcept { return task_.experts; }
  int32_t hidden() const noexcept { return task_.hidden_size; }
  bool floats() const noexcept { return format_ == DMOE_FORMAT_F32; }
  /** Elements between rows of h: all columns that the up panels yield, in whole blocks of 32. 0 for LINEAR.
   */
  int64_t h_stride() const noexcept { return h_stride_; }
  std::size_t h_bytes(int64_t rows) const noexcept {
    return static_cast<std::size_t>(rows * h_stride_) * (floats() ? sizeof(float) : sizeof(uint16_t));
  }

 private:
  int32_t format_;
  int64_t h_stride_;
  ExpertsTask task_;
  DeviceBuffer weights_;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_WEIGHTS_HPP_
