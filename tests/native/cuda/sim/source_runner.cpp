// Compiled without -fsanitize=thread, see engine.cpp.
#include "cuda/sim/source_runner.hpp"

#include <link.h>

#include <cstring>
#include <string>

#include "cuda/sim/engine.hpp"
#include "kernels/tasks.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

// What `extern __shared__ unsigned char dmoe_shared[]` of the kernels is.
alignas(16) thread_local unsigned char dmoe_shared[dmoe::sim::kMaxShared];

namespace dmoe::cuda {
#define DMOE_CUDA_KERNEL(entry, task, file) extern "C" void entry(const task);
#include "cuda/kernels/kernels.inc"
#undef DMOE_CUDA_KERNEL
}  // namespace dmoe::cuda

namespace dmoe::sim {
namespace {

const SourceKernel kKernels[] = {
#define DMOE_CUDA_KERNEL(entry, task, file) \
  {#entry, sizeof(cuda::task), [](const void* p) { cuda::entry(*static_cast<const cuda::task*>(p)); }},
#include "cuda/kernels/kernels.inc"
#undef DMOE_CUDA_KERNEL
};

/** The thread-local block of this library in the calling thread: static shared memory around the dynamic one.
 */
struct SharedMemory {
  unsigned char* begin = nullptr;
  unsigned char* end = nullptr;
  size_t dynamic = 0;

  void fill() const {
    std::memset(begin, 0xff, static_cast<size_t>(dmoe_shared - begin));
    std::memset(dmoe_shared, 0xff, dynamic);
    std::memset(dmoe_shared + kMaxShared, 0xff, static_cast<size_t>(end - (dmoe_shared + kMaxShared)));
  }
};
int find_block(dl_phdr_info* info, size_t, void* out) {
  auto* data = static_cast<unsigned char*>(info->dlpi_tls_data);
  for (int i = 0; data != nullptr && i < info->dlpi_phnum; ++i) {
    if (info->dlpi_phdr[i].p_type != PT_TLS) continue;
    unsigned char* end = data + info->dlpi_phdr[i].p_memsz;
    if (dmoe_shared < data || dmoe_shared >= end) continue;
    *static_cast<SharedMemory*>(out) = {data, end, 0};
    return 1;
  }
  return 0;
}

/** AddressSanitizer: a kernel may touch the dynamic shared memory that the launch gives it and no more. */
class Limited {
 public:
  explicit Limited([[maybe_unused]] size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __asan_poison_memory_region(dmoe_shared + bytes, kMaxShared - bytes);
#endif
  }
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;
  ~Limited() {
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(dmoe_shared, kMaxShared);
#endif
  }
};

struct Call {
  const SourceKernel* kernel;
  const void* task;
  SharedMemory shared;
};

}  // namespace

const SourceKernel& source_kernel(const char* entry) {
  for (const SourceKernel& kernel : kKernels) {
    if (std::strcmp(kernel.entry, entry) == 0) return kernel;
  }
  throw LaunchError(std::string(entry) + " is not in kernels.inc");
}

void launch_source(const SourceKernel& kernel, dim3 grid, dim3 block, size_t shared, const void* task,
                   size_t bytes, uint32_t seed) {
  const std::string entry = kernel.entry;
  if (bytes != kernel.task_bytes) throw LaunchError(entry + " takes another task");
  if (shared > kMaxShared) throw LaunchError(entry + ": more shared memory than a block can have");
  Call call{&kernel, task, {}};
  if (dl_iterate_phdr(find_block, &call.shared) == 0) throw LaunchError("no shared memory");
  call.shared.dynamic = shared;
  const Limited limited(shared);
  const auto begin_block = [](void* context) { static_cast<Call*>(context)->shared.fill(); };
  const auto body = [](void* context) {
    const Call& it = *static_cast<Call*>(context);
    it.kernel->call(it.task);
  };
  run({kernel.entry, grid, block, seed, begin_block, body, &call});
}

}  // namespace dmoe::sim
