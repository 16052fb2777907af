#include "engine/host.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/processors.hpp"
#include "engine/cpu.hpp"

namespace dmoe {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// First line of a small file, without its line end; empty when unreadable.
std::string first_line(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return {};
  char text[512];
  std::string line = std::fgets(text, sizeof text, file.get()) ? text : "";
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return line;
}

// The decimal integer at the start of a text. strtoll and sscanf would do it too, but a C library from 2.38
// on binds them to symbols that older ones lack. @param rest [out] what follows the number
int64_t leading_number(std::string_view text, int64_t otherwise, std::string_view* rest = nullptr) {
  int64_t value = otherwise;
  const char* end = text.data() + text.size();
  const char* after = std::from_chars(text.data(), end, value).ptr;
  if (rest != nullptr) *rest = {after, static_cast<size_t>(end - after)};
  return value;
}

int64_t number_in(const std::string& path, int64_t otherwise) {
  return leading_number(first_line(path), otherwise);
}

std::vector<int> allowed_cpus() {
  const ProcessorMask mask = ProcessorMask::of_process();
  std::vector<int> cpus;
  for (int cpu = 0; cpu < ProcessorMask::kMost; ++cpu)
    if (mask.has(cpu)) cpus.push_back(cpu);
  return cpus;
}

// "1024K" and "32M" as the kernel writes cache sizes.
int64_t cache_bytes(const std::string& text) {
  std::string_view unit;
  const int64_t value = leading_number(text, 0, &unit);
  if (unit.empty()) return value;
  return unit[0] == 'K' ? value << 10 : unit[0] == 'M' ? value << 20 : unit[0] == 'G' ? value << 30 : value;
}

void read_caches(const std::vector<int>& cpus, CpuInfo* info) {
  std::set<std::string> seen;  // sets of processors that share a level-3 cache
  for (int cpu : cpus) {
    for (int index = 0; index < 8; ++index) {
      const std::string base =
          "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" + std::to_string(index) + "/";
      const int64_t level = number_in(base + "level", 0);
      if (level == 0) break;
      const int64_t bytes = cache_bytes(first_line(base + "size"));
      if (level == 2 && info->l2_bytes == 0) info->l2_bytes = bytes;
      if (level == 3 && seen.insert(first_line(base + "shared_cpu_list")).second) info->l3_bytes += bytes;
    }
  }
}

// "150000 100000" in cpu.max: microseconds of processor time per period. 0 for "max 100000" or nothing.
double cores_of(std::string_view line) {
  std::string_view rest;
  const int64_t limit = leading_number(line, 0, &rest);
  if (limit <= 0 || rest.empty() || rest[0] != ' ') return 0;
  const int64_t period = leading_number(rest.substr(1), 0);
  return period > 0 ? static_cast<double>(limit) / static_cast<double>(period) : 0;
}

double quota_v2(std::string directory, const std::string& root) {
  double quota = 0;
  // Every ancestor may limit; the tightest one counts.
  for (;;) {
    const double cores = cores_of(first_line(root + directory + "/cpu.max"));
    if (cores > 0 && (quota == 0 || cores < quota)) quota = cores;
    const size_t slash = directory.find_last_of('/');
    if (slash == std::string::npos || directory.empty()) return quota;
    directory.resize(slash);
  }
}

double quota_v1(std::string directory, const std::string& mount) {
  double quota = 0;
  for (;;) {
    const int64_t limit = number_in(mount + directory + "/cpu.cfs_quota_us", -1);
    const int64_t period = number_in(mount + directory + "/cpu.cfs_period_us", 0);
    if (limit > 0 && period > 0) {
      const double cores = static_cast<double>(limit) / static_cast<double>(period);
      if (quota == 0 || cores < quota) quota = cores;
    }
    const size_t slash = directory.find_last_of('/');
    if (slash == std::string::npos || directory.empty()) return quota;
    directory.resize(slash);
  }
}

bool lists_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

double read_cgroup_quota(const char* proc_cgroup, const char* root, int* version) {
  *version = 0;
  const File file(std::fopen(proc_cgroup, "re"));
  if (file == nullptr) return 0;
  double quota = 0;
  char text[4096];
  // Lines are id:controllers:path; version 2 has id 0 and no controllers.
  while (std::fgets(text, sizeof text, file.get())) {
    std::string line = text;
    while (!line.empty() && line.back() == '\n') line.pop_back();
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers.empty()) {
      if (*version == 0) *version = 2;
      double here = quota_v2(path, root);
      // Where both versions are mounted, version 2 has a folder of its own.
      if (here == 0) here = quota_v2(path, std::string(root) + "/unified");
      quota = std::max(quota, here);
    } else if (lists_cpu(controllers)) {
      *version = 1;
      double here = quota_v1(path, std::string(root) + "/" + controllers);
      if (here == 0) here = quota_v1(path, std::string(root) + "/cpu");
      if (here == 0) here = quota_v1("", std::string(root) + "/cpu");
      quota = std::max(quota, here);
    }
  }
  return quota;
}

void read_host(CpuInfo* info) {
  const std::vector<int> cpus = allowed_cpus();
  std::set<std::pair<int64_t, int64_t>> cores;
  for (int cpu : cpus) {
    const std::string base = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    cores.emplace(number_in(base + "physical_package_id", 0), number_in(base + "core_id", cpu));
  }
  info->logical_cpus = std::max<int>(1, static_cast<int>(cpus.size()));
  info->physical_cores = std::max<int>(1, static_cast<int>(cores.size()));
  read_caches(cpus, info);
  info->cpu_quota = read_cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup", &info->cgroup_version);
}

}  // namespace dmoe
