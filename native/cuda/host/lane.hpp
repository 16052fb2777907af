// What one call under way has to itself: a stream, device memory to work in, page-locked memory to hand over,
// and its graphs.
#ifndef DYNAMICMOE_CUDA_HOST_LANE_HPP_
#define DYNAMICMOE_CUDA_HOST_LANE_HPP_

#include <cstddef>

#include "driver/memory.hpp"
#include "host/graph_cache.hpp"

namespace dmoe::cuda {

/** Made, used and destroyed with the context current; one call at a time. */
struct Lane {
  explicit Lane(const Context& context) : context(context), stream(context), done(context) {}

  /** Sees to it that workspace and staging hold at least so many bytes. Throws DMOE_E_DEVICE_MEMORY,
   * NO_MEMORY, BACKEND. */
  void reserve(Pool& pool, std::size_t workspace_bytes, std::size_t staging_bytes) {
    if (workspace.bytes() < workspace_bytes) {
      graphs = GraphCache();       // their addresses are gone
      workspace = DeviceBuffer();  // first given back: both may not fit
      workspace = DeviceBuffer(pool, workspace_bytes, "the workspace of a call");
    }
    if (staging.bytes() < staging_bytes) {
      graphs = GraphCache();
      staging = PinnedBuffer();
      staging = PinnedBuffer(context, staging_bytes);
    }
  }

  const Context& context;
  Stream stream;
  Event done;  // of the call's last work, when it runs on a caller's stream
  DeviceBuffer workspace;
  PinnedBuffer staging;
  Program program;
  GraphCache graphs;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_LANE_HPP_
