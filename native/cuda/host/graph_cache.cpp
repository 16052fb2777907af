#include "host/graph_cache.hpp"

#include <algorithm>

#include "core/status.hpp"

namespace dmoe::cuda {
namespace {

constexpr std::size_t kMostEntries = 64;

uint64_t hash_of(const std::vector<uint64_t>& words) {
  uint64_t hash = words.size();
  for (uint64_t word : words) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

// An empty entry while there is room, else the one not used for longest; its memory is used again.
GraphCache::Entry& GraphCache::place() {
  if (entries_.size() < kMostEntries) return entries_.emplace_back();
  return *std::min_element(entries_.begin(), entries_.end(),
                           [](const Entry& a, const Entry& b) { return a.used < b.used; });
}

bool GraphCache::run(const Context& context, const Program& program, StreamHandle stream,
                     StreamHandle recording, const char* operation) {
  const std::vector<uint64_t>& words = program.words();
  const uint64_t hash = hash_of(words);
  ++clock_;
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& e) { return e.hash == hash && e.words == words; });
  if (found == entries_.end()) {
    Entry& entry = place();
    entry.used = 0;
    entry.recorded = entry.refused = false;
    entry.graph = Graph();
    entry.words = words;
    entry.hash = hash;
    entry.used = clock_;
    program.enqueue(context, stream, false);
    return false;
  }
  found->used = clock_;
  if (!found->recorded && !found->refused) {
    try {
      found->graph = Graph(context, recording,
                           [&](StreamHandle recorded) { program.enqueue(context, recorded, false); });
      found->recorded = true;
    } catch (const Status&) {
      // A graph is a saving, not a need: what cannot be recorded runs step by step, now and later.
      context.require_alive();
      found->refused = true;
    }
  }
  if (found->refused) {
    program.enqueue(context, stream, false);
    return false;
  }
  found->graph.launch(stream, operation);
  return true;
}

}  // namespace dmoe::cuda
