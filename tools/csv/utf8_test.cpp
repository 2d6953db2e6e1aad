#include "csv/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace stoa::csv {
namespace {

// Written by the definition: the code point's value decides, not its bytes.
std::string encode(std::uint32_t code) {
  std::string out;
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
  return out;
}

TEST(Utf8, TakesEveryCharacterAndNoSurrogateAndNothingAbove) {
  for (std::uint32_t code = 0; code < 0x140000; ++code) {
    const bool valid = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
    const std::string text = encode(code);
    ASSERT_EQ(find_invalid_utf8(text), valid ? text.size() : 0) << std::hex << code;
  }
}

TEST(Utf8, NamesTheFirstByteOfWhatIsNoCharacterAtAnyAlignment) {
  const std::string bad[] = {"\x80",     "\xBF",         "\xC0\xAF",         "\xC1\xBF",         "\xC3",
                             "\xC3(",    "\xE0\x9F\xBF", "\xE2\x82",         "\xE2\x82(",        "\xED\xA0\x80",
                             "\xF0\x9F", "\xF0\x9F\x92", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                             "\xFE",     "\xFF"};
  for (const std::string& bytes : bad) {
    for (std::size_t before = 0; before < 20; ++before) {
      const std::string front(before, 'x');
      EXPECT_EQ(find_invalid_utf8(front + bytes), before);
      EXPECT_EQ(find_invalid_utf8(front + bytes + "xxxxxxxxxxxx"), before);
    }
  }
  EXPECT_EQ(find_invalid_utf8(""), 0u);
}

}  // namespace
}  // namespace stoa::csv
