// Every C++ snippet of the documents is code that is compiled: it stands, but for its indentation, in one of the
// sources given.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Lines without the white space around them, and without empty ones.
std::string squeeze(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    out += line.substr(first, line.find_last_not_of(" \t") - first + 1) + '\n';
  }
  return out;
}

std::vector<std::string> snippets(const std::string& document) {
  std::vector<std::string> out;
  const std::string open = "```cpp\n";
  for (std::size_t at = document.find(open); at != std::string::npos; at = document.find(open, at)) {
    at += open.size();
    const std::size_t end = document.find("```", at);
    out.push_back(document.substr(at, end - at));
    at = end;
  }
  return out;
}

TEST(Docs, EverySnippetIsCompiledCode) {
  const std::filesystem::path root = STOA_SOURCE_DIR;
  std::vector<std::string> sources;
  for (const char* folder : {"tests/docs", "tests/api", "examples"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() == ".cpp") sources.push_back(squeeze(read(entry.path())));
    }
  }
  std::vector<std::filesystem::path> documents{root / "README.md"};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") documents.push_back(entry.path());
  }
  std::size_t found = 0;
  for (const auto& document : documents) {
    for (const std::string& snippet : snippets(read(document))) {
      const std::string wanted = squeeze(snippet);
      const bool compiled = std::any_of(sources.begin(), sources.end(), [&](const std::string& source) {
        return source.find(wanted) != std::string::npos;
      });
      EXPECT_TRUE(compiled) << document << " shows code that is in no source:\n" << snippet;
      ++found;
    }
  }
  EXPECT_GE(found, 8U);
}

}  // namespace
