// Modules, kernels and their launches: the PTX of the image in the interpreter.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cuda/driver/state.hpp"
#include "cuda/ptx/run.hpp"

namespace dmoe::cuda {

using simulated::call;
using simulated::Function;
using simulated::Module;
using simulated::Needs;
using simulated::State;

namespace {

constexpr size_t kDefaultShared = 48 << 10;

/** Writes to the buffer of the options, when there is one. */
void write_log(unsigned option_count, const int* options, void** values, const std::string& text) {
  char* log = nullptr;
  size_t bytes = 0;
  for (unsigned i = 0; i < option_count; ++i) {
    if (options[i] == kJitErrorLogBuffer) log = static_cast<char*>(values[i]);
    if (options[i] == kJitErrorLogBytes) bytes = reinterpret_cast<size_t>(values[i]);
  }
  if (log != nullptr && bytes > 0) std::snprintf(log, bytes, "%s", text.c_str());
}

/** "7.0" -> 70. CUDA 11 brought PTX 7, 12 brought 8; the minor numbers go together. */
int tenths(const std::string& version) {
  char* dot = nullptr;
  const long major = std::strtol(version.c_str(), &dot, 10);
  return static_cast<int>(10 * major + (*dot == '.' ? std::strtol(dot + 1, nullptr, 10) : 0));
}
// Parsed once per text: programs open many devices with the same kernels.
std::shared_ptr<const ptx::Module> parsed(const char* text) {
  static std::map<std::string, std::shared_ptr<const ptx::Module>> all;
  std::shared_ptr<const ptx::Module>& module = all[text];
  if (module == nullptr) module = std::make_shared<const ptx::Module>(ptx::parse(text));
  return module;
}

int newest_ptx(int driver) { return 10 * (driver / 1000 - 4) + driver % 1000 / 10; }

Result result_of(const std::string& error) {
  if (error.find("not aligned") != std::string::npos) return simulated::kMisalignedAddress;
  return error.find("out of range") != std::string::npos ? kIllegalAddress : kLaunchFailed;
}

unsigned char* device_bytes(uint64_t address, size_t bytes) {
  return simulated::state().memory.bytes_at(address, bytes);
}

std::shared_ptr<Function> find(const State& all, FunctionHandle function) {
  const auto it = all.functions.find(function);
  return it == all.functions.end() ? nullptr : it->second;
}

}  // namespace

Result cuModuleLoadDataEx(ModuleHandle* module, const void* image, unsigned option_count, int* options,
                          void** values) {
  return call("cuModuleLoadDataEx", Needs::kContext, [&](State& all) -> Result {
    const char* text = static_cast<const char*>(image);
    if (std::strstr(text, ".version") == nullptr) return kInvalidImage;
    auto out = std::make_shared<Module>();
    try {
      out->ptx = parsed(text);
    } catch (const ptx::ParseError& e) {
      write_log(option_count, options, values, std::string("ptxas application ptx input, ") + e.what());
      return kInvalidPtx;
    }
    if (tenths(out->ptx->version) > newest_ptx(all.settings.driver)) {
      write_log(option_count, options, values, "ptxas fatal: Unsupported .version " + out->ptx->version);
      return kUnsupportedPtxVersion;
    }
    const int device = reinterpret_cast<simulated::Context*>(simulated::context_stack().back())->device;
    if (std::atoi(out->ptx->target.c_str() + std::strlen("sm_")) > all.settings.capability(device))
      return kNoBinaryForGpu;
    *module = all.modules.add(std::move(out));
    return kSuccess;
  });
}

Result cuModuleUnload(ModuleHandle module) {
  return call("cuModuleUnload", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.modules.find(module);
    if (it == nullptr) return kInvalidHandle;
    std::erase_if(all.functions, [&](const auto& function) { return function.second->module == it; });
    all.modules.remove(module);
    return kSuccess;
  });
}

Result cuModuleGetFunction(FunctionHandle* function, ModuleHandle module, const char* name) {
  return call("cuModuleGetFunction", Needs::kContext, [&](State& all) -> Result {
    const auto it = all.modules.find(module);
    if (it == nullptr) return kInvalidHandle;
    const auto entry = it->ptx->entries.find(name);
    if (entry == it->ptx->entries.end()) return kNotFound;
    for (const auto& [handle, known] : all.functions) {
      if (known->entry == &entry->second) return *function = handle, kSuccess;
    }
    auto made = std::make_shared<Function>();
    made->module = it;
    made->entry = &entry->second;
    made->dynamic_limit = kDefaultShared - std::min(kDefaultShared, entry->second.static_shared);
    *function = reinterpret_cast<FunctionHandle>(made.get());
    all.functions[*function] = std::move(made);
    return kSuccess;
  });
}

Result cuFuncSetAttribute(FunctionHandle function, int attribute, int value) {
  return call("cuFuncSetAttribute", Needs::kContext, [&](State& all) -> Result {
    const auto it = find(all, function);
    if (it == nullptr) return kInvalidHandle;
    const bool fits = value >= 0 && it->entry->static_shared + static_cast<size_t>(value) <= sim::kMaxShared;
    if (attribute != kFunctionDynamicSharedBytes || !fits) return kInvalidValue;
    it->dynamic_limit = static_cast<size_t>(value);
    return kSuccess;
  });
}

// Of sm_80, without registers, which PTX does not say: 2048 threads, 32 blocks, 164 KiB with 1 KiB taken per
// block.
Result cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, FunctionHandle function, int block_size,
                                                   std::size_t dynamic_shared_bytes) {
  return call("cuOccupancyMaxActiveBlocksPerMultiprocessor", Needs::kContext, [&](State& all) -> Result {
    const auto it = find(all, function);
    if (it == nullptr) return kInvalidHandle;
    if (block_size <= 0) return kInvalidValue;
    const size_t shared = it->entry->static_shared + dynamic_shared_bytes + 1024;
    const auto by_shared = static_cast<int>((size_t{164} << 10) / shared);
    *blocks = static_cast<unsigned>(block_size) > it->entry->max_threads
                  ? 0
                  : std::min({32, 2048 / block_size, by_shared});
    return kSuccess;
  });
}

Result cuLaunchKernel(FunctionHandle function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                      unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                      StreamHandle stream, void** parameters, void** extra) {
  return call("cuLaunchKernel", Needs::kContext, [&](State& all) -> Result {
    const auto it = find(all, function);
    const auto on = all.stream(stream);
    if (it == nullptr || on == nullptr) return kInvalidHandle;
    const uint64_t threads = uint64_t{block_x} * block_y * block_z;
    const bool grid_fits = grid_x > 0 && grid_x <= 0x7fffffffu && grid_y > 0 && grid_y <= 0xffff &&
                           grid_z > 0 && grid_z <= 0xffff;
    const bool block_fits = threads > 0 && threads <= sim::kMaxThreads && block_z <= 64;
    if (!grid_fits || !block_fits || shared_bytes > it->dynamic_limit || extra != nullptr)
      return kInvalidValue;
    if (threads > it->entry->max_threads) return kLaunchOutOfResources;
    // Copied now, as the driver does: the caller's structs may go.
    std::vector<unsigned char> bytes(it->entry->parameter_bytes);
    for (size_t i = 0; i < it->entry->parameters.size(); ++i) {
      if (parameters == nullptr || parameters[i] == nullptr) return kInvalidValue;
      const ptx::Parameter& parameter = it->entry->parameters[i];
      std::memcpy(bytes.data() + parameter.offset, parameters[i], parameter.bytes);
    }
    const dim3 grid(grid_x, grid_y, grid_z), block(block_x, block_y, block_z);
    all.push(*on, it->entry->name.c_str(),
             [&all, it, grid, block, shared_bytes, bytes = std::move(bytes)]() -> Result {
               ++all.counts[it->entry->name];
               try {
                 ptx::launch(*it->entry, grid, block, shared_bytes, bytes.data(), ++all.launches,
                             device_bytes);
               } catch (const sim::LaunchError& e) {
                 all.note(e.what());
                 return result_of(e.what());
               }
               return kSuccess;
             });
    return kSuccess;
  });
}

}  // namespace dmoe::cuda
