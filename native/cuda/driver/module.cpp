#include "driver/module.hpp"

#include <cstring>

#include "core/status.hpp"
#include "driver/failure.hpp"

namespace dmoe::cuda {

Module::Module(const Context& context, const PtxImage& image) : context_(context), name_(image.name) {
  char log[1024] = {};
  int options[] = {kJitErrorLogBuffer, kJitErrorLogBytes};
  void* values[] = {log, reinterpret_cast<void*>(sizeof log - 1)};
  const Api& api = context.api();
  const Result result = api.cuModuleLoadDataEx(&handle_, image.text, 2, options, values);
  if (result == kSuccess) return;
  if (result == kOutOfMemory) context.check(result, "the kernels' machine code");
  for (char* c = log; *c != '\0'; ++c)
    if (*c == '\n' || *c == '\r') *c = ' ';
  fail(DMOE_E_BACKEND, "unavailable, because the driver refuses the kernels of %s.ptx: %s%s%s", image.name,
       ResultText(api, result).c_str(), *log ? ": " : "", log);
}

Module::~Module() { context_.api().cuModuleUnload(handle_); }

FunctionHandle Module::function(const char* entry) const {
  FunctionHandle function = nullptr;
  const Result result = context_.api().cuModuleGetFunction(&function, handle_, entry);
  DMOE_REQUIRE(result == kSuccess, DMOE_E_BACKEND, "unavailable, because %s.ptx has no kernel %s: %s", name_,
               entry, ResultText(context_.api(), result).c_str());
  return function;
}

}  // namespace dmoe::cuda
