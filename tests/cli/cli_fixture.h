// A folder of its own for each test, with the files it writes, and the program `stoa` run in it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/process.h"

namespace stoa::cli_test {

/// Two tables: stops that may have a parent stop, and calls at a stop. Between them they have every kind of rule.
inline constexpr std::string_view stops_schema = R"([database]
name = "stops"

[enums.kind]
base = "u8"
variants = ["platform", "station"]

[tables.stop]
fields = [
  { name = "id", type = "text", key = true },
  { name = "name", type = "text", required = true },
  { name = "code", type = "u32", unique = true },
  { name = "kind", type = "kind", default = "station" },
  { name = "level", type = "i32", default = 5, min = -9, max = 9 },
  { name = "latitude", type = "f64" },
  { name = "parent", type = "entity", references = "stop", on_delete = "cascade" },
]

[tables.call]
unique = [["stop", "sequence"]]
fields = [
  { name = "stop", type = "entity", references = "stop", required = true },
  { name = "sequence", type = "u32" },
  { name = "at", type = "text" },
]
)";

class CliTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// Writes a file into the test's folder; its name as the program is given it.
  std::string write(const std::string& name, std::string_view text);
  [[nodiscard]] std::string read(const std::string& name) const;
  [[nodiscard]] bool exists(const std::string& name) const;

  /// Runs `stoa` with these arguments in the test's folder.
  [[nodiscard]] Finished stoa(std::vector<std::string> arguments) const;
  /// `stoa import world --schema schema.toml` and these arguments, with the schema above.
  [[nodiscard]] Finished import(std::vector<std::string> arguments);
  /// The state hash of the database "world", and its rows in a table, from `stoa info --json`.
  [[nodiscard]] std::string state() const;
  [[nodiscard]] std::uint64_t rows(const std::string& table) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace stoa::cli_test
