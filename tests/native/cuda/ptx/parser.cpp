#include <cstdlib>
#include <cstring>

#include "cuda/ptx/lexer.hpp"
#include "cuda/ptx/module.hpp"
#include "cuda/ptx/operations.hpp"
#include "cuda/ptx/symbols.hpp"

namespace dmoe::ptx {
namespace {

/** Reads tokens; every error names the line. */
class Parser {
 public:
  explicit Parser(const std::string& text) : tokens_(tokens(text)) {}

  Module module() {
    Module out;
    while (!peek().empty()) {
      if (accept(".version")) {
        out.version = take();
      } else if (accept(".target")) {
        out.target = take();
        while (accept(",")) take();
      } else if (accept(".address_size")) {
        if (take() != "64") fail("addresses of 64 bits only");
      } else {
        accept(".visible") || accept(".weak") || accept(".extern");
        if (accept(".entry")) {
          Entry entry = this->entry();
          out.entries[entry.name] = std::move(entry);
        } else if (accept(".shared")) {
          variable(globals_, Space::kShared);
        } else {
          fail("unknown " + peek());
        }
      }
    }
    if (out.target.compare(0, 3, "sm_") != 0) fail("no .target sm_NN");
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw ParseError(tokens_[at_].line, what); }
  const std::string& peek() const { return tokens_[at_].text; }
  std::string take() {
    if (peek().empty()) fail("the text ends too early");
    return tokens_[at_++].text;
  }
  bool accept(const char* text) {
    if (peek() != text) return false;
    ++at_;
    return true;
  }
  void expect(const char* text) {
    if (!accept(text)) fail(std::string("expected ") + text + ", found " + peek());
  }
  size_t number() {
    const std::string text = take();
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text.c_str(), &end, 0);
    if (end == text.c_str() || *end != '\0') fail("expected a number, found " + text);
    return value;
  }

  /** ".align 16 .b8 name[1024]", without the array for one element. */
  Variable declaration(Space space) {
    Variable out{space, "", 1, 1, false};
    size_t align = 0;
    if (accept(".align")) align = number();
    const size_t bytes = bytes_of(take());
    if (bytes == 0) fail("unknown type");
    out.name = take();
    out.bytes = bytes;
    out.align = align != 0 ? align : bytes;
    if (accept("[")) {
      out.open = peek() == "]";
      if (!out.open) out.bytes *= number();
      expect("]");
    }
    return out;
  }
  void variable(std::vector<Variable>& into, Space space) {
    into.push_back(declaration(space));
    if (peek() == "=") fail("initial values are not known");
    expect(";");
  }

  Entry entry() {
    Entry out;
    out.name = take();
    Symbols symbols(out, globals_);
    expect("(");
    while (!accept(")")) {
      expect(".param");
      symbols.add_parameter(declaration(Space::kParam));
      accept(",");
    }
    while (peek() != "{") {
      const std::string directive = take();
      if (directive != ".maxntid" && directive != ".minnctapersm") fail("unknown " + directive);
      size_t product = number();
      while (accept(",")) product *= number();
      if (directive == ".maxntid") out.max_threads = static_cast<unsigned>(product);
    }
    expect("{");
    body(out, symbols);
    symbols.finish();
    return out;
  }

  void body(Entry& out, Symbols& symbols) {
    // Inner braces are the scopes of inline PTX. Their registers live no longer, so that a name may be used
    // again.
    for (int depth = 1; depth > 0;) {
      if (accept("{")) {
        ++depth;
      } else if (accept("}")) {
        --depth;
      } else if (accept(".reg")) {
        registers(symbols);
      } else if (accept(".shared")) {
        symbols.add(declaration(Space::kShared));
        expect(";");
      } else if (accept(".local")) {
        symbols.add(declaration(Space::kLocal));
        expect(";");
      } else if (accept(".pragma")) {
        take();
        expect(";");
      } else if (tokens_[at_ + 1].text == ":" && peek()[0] != '.') {
        if (!symbols.add_label(take())) fail("a label twice");
        ++at_;
      } else {
        out.code.push_back(instruction(symbols));
      }
    }
  }

  void registers(Symbols& symbols) {
    const std::string type = take();
    if (type != ".pred" && bytes_of(type) == 0) fail("unknown type " + type);
    do {
      const std::string name = take();
      if (accept("<")) {
        symbols.declare(name, number());
        expect(">");
      } else {
        symbols.declare(name);
      }
    } while (accept(","));
    expect(";");
  }

  Instruction instruction(Symbols& symbols) {
    Instruction out{nullptr, tokens_[at_].line, -1, false, {}, -1, 0};
    if (accept("@")) {
      out.negated = accept("!");
      out.predicate = static_cast<int32_t>(operand(symbols, take()).slot);
    }
    std::string name = take();
    if (name[0] == '.') fail("unknown " + name);
    int index = 0, vector = -1;
    bool label = false;
    while (!accept(";")) {
      if (index++ > 0) expect(",");
      if (accept("{")) {
        vector = index;
        do out.operands.push_back(operand(symbols, take()));
        while (accept(","));
        expect("}");
      } else if (accept("[")) {
        Operand address = operand(symbols, take());
        if (accept("+")) address.offset = static_cast<int32_t>(std::strtol(take().c_str(), nullptr, 0));
        expect("]");
        out.operands.push_back(address);
      } else if (name.compare(0, 3, "bra") == 0) {
        symbols.use_label(take());
        label = true;
      } else {
        out.operands.push_back(operand(symbols, take()));
        if (accept("|")) out.second = static_cast<int32_t>(operand(symbols, take()).slot);
      }
    }
    if (name.compare(0, 4, "mov.") == 0 && vector > 0) name += vector == 1 ? ".unpack" : ".pack";
    const auto known = operations().find(name);
    if (known == operations().end()) throw ParseError(out.line, "unknown instruction " + name);
    if (known->second.operands != out.operands.size() || label != (name.compare(0, 3, "bra") == 0)) {
      throw ParseError(out.line, name + " with " + std::to_string(out.operands.size()) + " operands");
    }
    out.run = known->second.run;
    return out;
  }

  Operand operand(Symbols& symbols, const std::string& text) {
    const std::string error = symbols.error_of(text);
    if (!error.empty()) fail(error);
    return {symbols.slot(text), 0};
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  std::vector<Variable> globals_;
};

}  // namespace

Module parse(const std::string& text) { return Parser(text).module(); }

}  // namespace dmoe::ptx
