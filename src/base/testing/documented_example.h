// For tests: the worked examples of docs/format.md, to be compared with what the code writes.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::test {

/// The bytes of the lines "offset: hex hex ...  meaning" between the markers of the example of that name.
[[nodiscard]] inline std::vector<std::byte> documented_example(const std::string& root, std::string_view name) {
  const std::string path = root + "/docs/format.md";
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::vector<std::byte> bytes;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == fmt::format("<!-- example: {} -->", name)) inside = true;
    if (line == "<!-- end of example -->") inside = false;
    const std::size_t colon = line.find(':');
    if (!inside || colon != 4) continue;
    EXPECT_EQ(std::stoul(line.substr(0, colon), nullptr, 16), bytes.size()) << line;
    std::istringstream words(line.substr(colon + 1, line.find("  ", colon) - colon - 1));
    for (std::string word; words >> word;) bytes.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
  }
  return bytes;
}

[[nodiscard]] inline std::string hex_dump(const std::vector<std::byte>& bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 8 == 0) text += fmt::format("\n{:04x}:", i);
    text += fmt::format(" {:02x}", std::to_integer<unsigned>(bytes[i]));
  }
  return text;
}

}  // namespace stoa::test
