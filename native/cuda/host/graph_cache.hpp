// Graphs of the programs that a lane runs again and again.
#ifndef DYNAMICMOE_CUDA_HOST_GRAPH_CACHE_HPP_
#define DYNAMICMOE_CUDA_HOST_GRAPH_CACHE_HPP_

#include <cstdint>
#include <vector>

#include "driver/stream.hpp"
#include "host/program.hpp"

namespace dmoe::cuda {

/** A program runs step by step when it is seen first and as a graph from the second time on; a shape that is
 * seen once never pays for a graph. Keeps the 64 used last. One caller at a time. */
class GraphCache {
 public:
  /** Puts a program onto a stream. @param recording a stream that nobody else uses @param operation for texts
   * @return whether it went as a graph. Throws DMOE_E_BACKEND, std::bad_alloc. */
  bool run(const Context& context, const Program& program, StreamHandle stream, StreamHandle recording,
           const char* operation);

 private:
  struct Entry {
    std::vector<uint64_t> words;
    uint64_t hash = 0;
    uint64_t used = 0;  // the clock at its last use; 0 = empty
    bool recorded = false;
    bool refused = false;  // it could not be recorded
    Graph graph;
  };
  Entry& place();

  std::vector<Entry> entries_;
  uint64_t clock_ = 0;
};

}  // namespace dmoe::cuda

#endif  // DYNAMICMOE_CUDA_HOST_GRAPH_CACHE_HPP_
