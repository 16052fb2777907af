#include "cuda/ptx/committed.hpp"

#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "cuda/faults/planted.hpp"
#include "cuda/sim/engine.hpp"

namespace dmoe::ptx {
namespace {

struct Listed {
  const char* entry;
  const char* file;
};
constexpr Listed kListed[] = {
#define DMOE_CUDA_KERNEL(entry, task, file) {#entry, file},
#include "cuda/kernels/kernels.inc"
#undef DMOE_CUDA_KERNEL
};

}  // namespace

std::string committed_text(const std::string& file) {
  const std::string path = std::string(DMOE_PTX_DIR) + "/" + file + ".ptx";
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || text.str().empty()) throw sim::LaunchError("cannot read " + path);
  return text.str();
}

std::string file_of(const char* entry) {
  for (const Listed& listed : kListed) {
    if (std::strcmp(listed.entry, entry) == 0) return listed.file;
  }
  throw sim::LaunchError(std::string(entry) + " is not in kernels.inc");
}

const Entry& committed_entry(const char* entry) {
  static std::map<std::string, Module> modules;
  const std::string file = file_of(entry);
  auto module = modules.find(file);
  if (module == modules.end()) {
    std::string text = committed_text(file);
    const test::Fault* fault = test::planted_fault();
    if (fault != nullptr && file == fault->file) text = test::with_fault(text, *fault);
    module = modules.emplace(file, parse(text)).first;
  }
  const auto found = module->second.entries.find(entry);
  if (found == module->second.entries.end()) throw sim::LaunchError(file + ".ptx has no entry " + entry);
  return found->second;
}

}  // namespace dmoe::ptx
