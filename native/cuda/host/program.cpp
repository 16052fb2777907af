#include "host/program.hpp"

namespace dmoe::cuda {
namespace {

enum class Kind : uint32_t { kLaunch, kCopyIn, kCopyOut, kFill };

struct Step {
  Kind kind;
  uint32_t task_words;
  const char* operation;
  FunctionHandle function;
  LaunchShape shape;
  DevicePointer device;
  void* host;
  uint64_t size;  // bytes of a copy, words of a fill
  uint64_t value;
};
static_assert(sizeof(Step) % sizeof(uint64_t) == 0);
constexpr std::size_t kStepWords = sizeof(Step) / sizeof(uint64_t);

void append(std::vector<uint64_t>& words, const Step& step, const void* task, std::size_t bytes) {
  const std::size_t at = words.size();
  words.resize(at + kStepWords + step.task_words, 0);
  std::memcpy(words.data() + at, &step, sizeof step);
  if (bytes != 0) std::memcpy(words.data() + at + kStepWords, task, bytes);
}

Step copy_step(Kind kind, const char* operation, DevicePointer device, void* host, std::size_t bytes) {
  Step step = blank<Step>();
  step.kind = kind;
  step.operation = operation;
  step.device = device;
  step.host = host;
  step.size = bytes;
  return step;
}

Result start(const Api& api, const Step& step, const uint64_t* task, StreamHandle stream) {
  switch (step.kind) {
    case Kind::kLaunch: {
      void* parameters[] = {const_cast<uint64_t*>(task)};
      return api.cuLaunchKernel(step.function, step.shape.x, step.shape.y, 1, step.shape.threads, 1, 1,
                                step.shape.shared, stream, parameters, nullptr);
    }
    case Kind::kCopyIn:
      return api.cuMemcpyHtoDAsync_v2(step.device, step.host, step.size, stream);
    case Kind::kCopyOut:
      return api.cuMemcpyDtoHAsync_v2(step.host, step.device, step.size, stream);
    default:
      return api.cuMemsetD32Async(step.device, static_cast<unsigned>(step.value), step.size, stream);
  }
}

}  // namespace

void Program::add_launch(const char* operation, FunctionHandle function, const LaunchShape& shape,
                         const void* task, std::size_t bytes) {
  Step step = blank<Step>();
  step.kind = Kind::kLaunch;
  step.task_words = static_cast<uint32_t>((bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t));
  step.operation = operation;
  step.function = function;
  step.shape = shape;
  append(words_, step, task, bytes);
}

void Program::copy_in(const char* operation, DevicePointer to, const void* from, std::size_t bytes) {
  if (bytes != 0)
    append(words_, copy_step(Kind::kCopyIn, operation, to, const_cast<void*>(from), bytes), nullptr, 0);
}

void Program::copy_out(const char* operation, void* to, DevicePointer from, std::size_t bytes) {
  if (bytes != 0) append(words_, copy_step(Kind::kCopyOut, operation, from, to, bytes), nullptr, 0);
}

void Program::fill(const char* operation, DevicePointer to, uint32_t value, std::size_t words) {
  Step step = copy_step(Kind::kFill, operation, to, nullptr, words);
  step.value = value;
  append(words_, step, nullptr, 0);
}

void Program::enqueue(const Context& context, StreamHandle stream, bool wait_for_each) const {
  const Api& api = context.api();
  for (std::size_t at = 0; at < words_.size();) {
    Step step;
    std::memcpy(&step, words_.data() + at, sizeof step);
    context.check(start(api, step, words_.data() + at + kStepWords, stream), step.operation);
    if (wait_for_each) context.check(api.cuStreamSynchronize(stream), step.operation);
    at += kStepWords + step.task_words;
  }
}

}  // namespace dmoe::cuda
