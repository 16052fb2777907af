#include "cuda/driver/settings.hpp"

#include <cstdlib>
#include <sstream>

namespace dmoe::simulated {
namespace {

bool number(const std::string& text, long& out) {
  char* end = nullptr;
  out = std::strtol(text.c_str(), &end, 10);
  return !text.empty() && *end == '\0' && out >= 0;
}

std::vector<std::string> split(const std::string& text, char between) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, between);) out.push_back(part);
  return out;
}

bool parse_fault(const std::string& text, Fault& out) {
  const std::vector<std::string> parts = split(text, ':');
  long code = 0;
  if (parts.size() < 2 || parts.size() > 4 || parts[0].empty() || !number(parts[1], code)) return false;
  out.name = parts[0];
  out.code = static_cast<int>(code);
  return (parts.size() < 3 || number(parts[2], out.after)) &&
         (parts.size() < 4 || number(parts[3], out.times));
}

bool parse_one(const std::string& key, const std::string& value, Settings& out) {
  if (key == "fail" || key == "break") {
    std::vector<Fault>& faults = key == "fail" ? out.failures : out.breaks;
    faults.emplace_back();
    return parse_fault(value, faults.back());
  }
  if (key == "capability" || key == "multiprocessors") {
    std::vector<int>& values = key == "capability" ? out.capabilities : out.multiprocessors;
    values.clear();
    for (const std::string& part : split(value, '/')) {
      long one = 0;
      if (!number(part, one)) return false;
      values.push_back(static_cast<int>(one));
    }
    return !values.empty();
  }
  long n = 0;
  if (!number(value, n)) return false;
  if (key == "memory") {
    out.memory = static_cast<size_t>(n);
    return true;
  }
  int* field = key == "devices"        ? &out.devices
               : key == "driver"       ? &out.driver
               : key == "pools"        ? &out.pools
               : key == "compute_mode" ? &out.compute_mode
                                       : nullptr;
  if (field == nullptr) return false;
  *field = static_cast<int>(n);
  return true;
}

}  // namespace

bool parse_settings(const std::string& text, Settings& out) {
  out = Settings();
  for (const std::string& part : split(text, ';')) {
    if (part.empty()) continue;
    const size_t at = part.find('=');
    if (at == std::string::npos || !parse_one(part.substr(0, at), part.substr(at + 1), out)) return false;
  }
  return true;
}

int strike(std::vector<Fault>& faults, const std::string& name) {
  for (Fault& fault : faults) {
    if (fault.name != name) continue;
    if (fault.after > 0) {
      --fault.after;
      continue;
    }
    if (fault.times < 0) continue;
    if (fault.times == 1) fault.times = -1;
    if (fault.times > 1) --fault.times;
    return fault.code;
  }
  return 0;
}

}  // namespace dmoe::simulated
