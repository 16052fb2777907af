// Words, numbers and punctuation of PTX, with their lines.
#ifndef DYNAMICMOE_TESTS_CUDA_PTX_LEXER_HPP_
#define DYNAMICMOE_TESTS_CUDA_PTX_LEXER_HPP_

#include <string>
#include <vector>

namespace dmoe::ptx {

struct Token {
  /** A word with its dots and colons ("ld.global.u32", "%rd1", "$L__BB0_1", "0f3F800000", "-4"), a string
   * with its quotes, or one character of punctuation. Empty at the end. */
  std::string text;
  int line;
};

/** Ends with an empty token. Throws ParseError. */
std::vector<Token> tokens(const std::string& text);

}  // namespace dmoe::ptx

#endif  // DYNAMICMOE_TESTS_CUDA_PTX_LEXER_HPP_
