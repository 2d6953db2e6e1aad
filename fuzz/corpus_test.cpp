// The target over its corpus, with any compiler: what the fuzzer has found stays mended, and the targets do not rot.
//   stoa_fuzz_<target> FOLDER...
#include "fuzz/harness.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<char> content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<std::vector<fs::path>> files_of(const char* folder) {
  std::error_code error;
  std::vector<fs::path> out;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    out.push_back(at->path());
  if (error) return std::fprintf(stderr, "%s: %s\n", folder, error.message().c_str()), std::nullopt;
  std::ranges::sort(out);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: %s FOLDER...\n", argv[0]), 2;
  std::size_t refused = 0;
  for (int i = 1; i != argc; ++i) {
    const std::optional<std::vector<fs::path>> paths = files_of(argv[i]);
    if (!paths) return 2;
    std::array<std::size_t, stoa::fuzz::reached_count> inputs{};
    for (const fs::path& path : *paths) {
      const std::vector<char> input = content_of(path);
      std::printf("%s\n", path.filename().c_str());  // the last line names the input that ended the process
      std::fflush(stdout);
      ++inputs[static_cast<std::size_t>(stoa::fuzz::run(std::as_bytes(std::span(input))))];
    }
    std::printf("%s: %zu inputs: %zu refused, %zu read, %zu taken\n", argv[i], paths->size(), inputs[0], inputs[1],
                inputs[2]);
    if (inputs[2] == 0) return std::fprintf(stderr, "%s: no input is taken any more\n", argv[i]), 1;
    refused += inputs[0];
  }
  return refused != 0 ? 0 : (std::fprintf(stderr, "no input is refused any more\n"), 1);
}
