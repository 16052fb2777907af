#include "cuda/ptx/lexer.hpp"

#include <cctype>
#include <cstring>

#include "cuda/ptx/module.hpp"

namespace dmoe::ptx {
namespace {

bool in_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("._$%", c) != nullptr;
}

}  // namespace

std::vector<Token> tokens(const std::string& text) {
  std::vector<Token> out;
  int line = 1;
  const size_t n = text.size();
  for (size_t i = 0; i < n;) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (c == '\0') throw ParseError(line, "a zero byte");
    if (std::isspace(static_cast<unsigned char>(c))) {
      ++i;
      continue;
    }
    if (text.compare(i, 2, "//") == 0) {
      while (i < n && text[i] != '\n') ++i;
      continue;
    }
    size_t end = i + 1;
    if (c == '"') {
      end = text.find('"', end);
      if (end == std::string::npos) throw ParseError(line, "a string that does not end");
      ++end;
    } else if (in_word(c) || (c == '-' && end < n && std::isdigit(static_cast<unsigned char>(text[end])))) {
      // "::" belongs to a word (.L2::128B), a single colon ends a label.
      while (end < n && (in_word(text[end]) || text.compare(end, 2, "::") == 0))
        end += text[end] == ':' ? 2 : 1;
    } else if (std::strchr(",;{}()[]+|@!:=<>", c) == nullptr) {
      throw ParseError(line, std::string("character ") + c);
    }
    out.push_back({text.substr(i, end - i), line});
    i = end;
  }
  out.push_back({"", line});
  return out;
}

}  // namespace dmoe::ptx
