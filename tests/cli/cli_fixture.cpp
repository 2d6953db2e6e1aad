#include "cli/cli_fixture.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <regex>
#include <utility>

namespace stoa::cli_test {

void CliTest::SetUp() {
  std::string name = (std::filesystem::temp_directory_path() / "stoa-cli-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  folder_ = name;
}

void CliTest::TearDown() { std::filesystem::remove_all(folder_); }

std::string CliTest::write(const std::string& name, std::string_view text) {
  std::ofstream(folder_ / name, std::ios::binary) << text;
  return name;
}

std::string CliTest::read(const std::string& name) const {
  std::ifstream file(folder_ / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool CliTest::exists(const std::string& name) const { return std::filesystem::exists(folder_ / name); }

Finished CliTest::stoa(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), STOA_PROGRAM);
  return run_program(arguments, folder_.string());
}

Finished CliTest::import(std::vector<std::string> arguments) {
  write("schema.toml", stops_schema);
  arguments.insert(arguments.begin(), {"import", "world", "--schema", "schema.toml"});
  return stoa(std::move(arguments));
}

std::string CliTest::state() const {
  const Finished info = stoa({"info", "world", "--json"});
  EXPECT_EQ(info.status, 0) << info.err;
  std::smatch found;
  EXPECT_TRUE(std::regex_search(info.out, found, std::regex(R"re("state_hash":"([0-9a-f]{32})")re"))) << info.out;
  return found.size() == 2 ? found[1].str() : std::string();
}

std::uint64_t CliTest::rows(const std::string& table) const {
  const Finished info = stoa({"info", "world", "--json"});
  EXPECT_EQ(info.status, 0) << info.err;
  std::smatch found;
  const std::regex wanted("\\{\"name\":\"" + table + "\",\"rows\":([0-9]+)");
  EXPECT_TRUE(std::regex_search(info.out, found, wanted)) << info.out;
  return found.size() == 2 ? std::stoull(found[1].str()) : 0;
}

}  // namespace stoa::cli_test
