#include "cuda/ptx/symbols.hpp"

#include <cctype>
#include <cstdlib>
#include <cstring>

namespace dmoe::ptx {
namespace {

const char* const kSpecialNames[kSpecials] = {"%tid.x",    "%tid.y",    "%tid.z",   "%ntid.x",  "%ntid.y",
                                              "%ntid.z",   "%ctaid.x",  "%ctaid.y", "%ctaid.z", "%nctaid.x",
                                              "%nctaid.y", "%nctaid.z", "%laneid"};
constexpr uint64_t kNeverWritten = 0xcdcdcdcdcdcdcdcdu;

size_t rounded(size_t value, size_t align) { return (value + align - 1) / align * align; }

/** 0f3F800000, 0d3FF0000000000000, -4, 0x10. */
bool constant_of(const std::string& text, uint64_t& value) {
  const bool hex_float = text[0] == '0' && text.size() > 2 && (text[1] == 'f' || text[1] == 'd') &&
                         text.size() == (text[1] == 'f' ? 10u : 18u);
  if (!hex_float && !std::isdigit(static_cast<unsigned char>(text[0])) && text[0] != '-') return false;
  const char* begin = text.c_str() + (hex_float ? 2 : 0);
  char* end = nullptr;
  value = text[0] == '-' ? static_cast<uint64_t>(std::strtoll(begin, &end, 10))
                         : std::strtoull(begin, &end, hex_float ? 16 : 0);
  return end != begin && (*end == '\0' || std::strcmp(end, "U") == 0);
}

}  // namespace

size_t bytes_of(const std::string& type) {
  if (type.size() < 3 || type[0] != '.' || std::strchr("busf", type[1]) == nullptr) return 0;
  const std::string bits = type.substr(2);
  return bits == "8" ? 1 : bits == "16" ? 2 : bits == "32" ? 4 : bits == "64" ? 8 : 0;
}

Symbols::Symbols(Entry& entry, const std::vector<Variable>& globals) : entry_(entry), globals_(globals) {
  entry_.registers.assign(kSpecials, 0);
  for (uint32_t i = 0; i < kSpecials; ++i) slots_[kSpecialNames[i]] = i;
}

void Symbols::add_parameter(const Variable& variable) {
  const size_t at = rounded(entry_.parameter_bytes, variable.align);
  entry_.parameters.push_back({at, variable.bytes});
  entry_.parameter_bytes = at + variable.bytes;
  addresses_[variable.name] = at;
}

void Symbols::add(const Variable& variable) {
  size_t& used = variable.space == Space::kShared ? entry_.static_shared : entry_.local;
  const size_t at = rounded(used, variable.align);
  used = at + variable.bytes;
  addresses_[variable.name] = at;
}

bool Symbols::is_register(const std::string& text) const {
  const auto whole = declared_.find(text);
  if (whole != declared_.end()) return whole->second == 0;
  size_t digits = text.size();
  while (digits > 0 && std::isdigit(static_cast<unsigned char>(text[digits - 1]))) --digits;
  const auto range = declared_.find(text.substr(0, digits));
  return digits < text.size() && range != declared_.end() &&
         std::strtoull(text.c_str() + digits, nullptr, 10) < range->second;
}

const Variable* Symbols::global(const std::string& name) const {
  for (const Variable& variable : globals_) {
    if (variable.name == name) return &variable;
  }
  return nullptr;
}

std::string Symbols::error_of(const std::string& text) const {
  uint64_t value = 0;
  const bool known = slots_.count(text) != 0 || is_register(text) || constant_of(text, value) ||
                     addresses_.count(text) != 0 || global(text) != nullptr;
  return known ? "" : "unknown operand " + text;
}

uint32_t Symbols::constant(uint64_t value) {
  entry_.registers.push_back(value);
  return static_cast<uint32_t>(entry_.registers.size() - 1);
}

uint32_t Symbols::slot(const std::string& text) {
  const auto there = slots_.find(text);
  if (there != slots_.end()) return there->second;
  uint64_t value = kNeverWritten;
  if (!is_register(text) && !constant_of(text, value)) {
    const Variable* variable = global(text);
    if (addresses_.count(text) == 0 && variable != nullptr) {
      if (variable->open) open_.push_back(static_cast<uint32_t>(entry_.registers.size()));
      if (!variable->open) add(*variable);
    }
    value = addresses_[text];
  }
  return slots_[text] = constant(value);
}

bool Symbols::add_label(const std::string& name) {
  return labels_.emplace(name, static_cast<uint32_t>(entry_.code.size())).second;
}
void Symbols::use_label(const std::string& name) { uses_.push_back({name, entry_.code.size()}); }

void Symbols::finish() {
  for (const Use& use : uses_) {
    const auto label = labels_.find(use.label);
    if (label == labels_.end()) throw ParseError(entry_.code[use.instruction].line, "no label " + use.label);
    entry_.code[use.instruction].target = label->second;
  }
  // Static variables may have made room that is no multiple of 16; a declared alignment of 16 is all that the
  // kernels ask for.
  entry_.static_shared = rounded(entry_.static_shared, 16);
  for (const uint32_t slot : open_) entry_.registers[slot] = entry_.static_shared;
}

}  // namespace dmoe::ptx
