// A world whose files are damaged: every command says which file and why, exits with 1, and changes nothing.
#include <map>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

constexpr std::string_view schema_name = "world/schema.toml";
constexpr std::string_view log_name = "world/wal-00000000000000000001";
constexpr std::size_t log_header_bytes = 128;  // docs/format.md

class DamagedFolder : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    write("first.csv", "id,name,code\nA,Astor,1\n");
    write("second.csv", "id,name,code\nB,Bay,2\n");
    write("more.csv", "id,name,code\nC,Canal,3\n");
    ASSERT_EQ(import({"stop=first.csv"}).status, 0);
    ASSERT_EQ(import({"stop=second.csv"}).status, 0);
    schema_ = read(std::string(schema_name));
    log_ = read(std::string(log_name));
    ASSERT_GT(log_.size(), log_header_bytes);
  }

  [[nodiscard]] std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder() / "world")) {
      const std::string name = entry.path().filename().string();
      out[name] = read("world/" + name);
    }
    return out;
  }

  /// That each command ends with status 1 and this one error, and leaves the folder as it was.
  void expect_refusal(const std::string& error) {
    const auto before = contents();
    for (const std::vector<std::string>& call :
         std::vector<std::vector<std::string>>{{"info", "world"},
                                               {"dump", "world", "stop"},
                                               {"verify", "world"},
                                               {"import", "world", "stop=more.csv"},
                                               {"import", "world", "--schema", "schema.toml", "stop=more.csv"}}) {
      const Finished done = stoa(call);
      EXPECT_EQ(done.status, 1) << testing::PrintToString(call);
      EXPECT_EQ(done.err, error) << testing::PrintToString(call);
      EXPECT_EQ(done.out, "") << testing::PrintToString(call);
    }
    for (std::vector<std::string> call : std::vector<std::vector<std::string>>{
             {"info", "world"}, {"verify", "world"}, {"import", "world", "stop=more.csv"}}) {
      call.emplace_back("--json");
      const Finished done = stoa(call);
      EXPECT_EQ(done.status, 1) << testing::PrintToString(call);
      EXPECT_TRUE(done.out.starts_with(R"({"ok":false,)")) << done.out;
      EXPECT_NE(done.out.find("\"file\":\"" + error.substr(0, error.find_first_of(": ")) + '"'), std::string::npos)
          << done.out;
    }
    EXPECT_TRUE(contents() == before);
  }

  /// The text with `from`, which is in it, replaced by `to`.
  static std::string with(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }

  std::string schema_;
  std::string log_;
};

TEST_F(DamagedFolder, ByASchemaThatIsCutOff) {
  write(std::string(schema_name), schema_.substr(0, schema_.find("variants") + 10));
  const Finished done = stoa({"info", "world"});
  EXPECT_TRUE(done.err.starts_with("world/schema.toml:6:")) << done.err;
  expect_refusal(done.err);
}

TEST_F(DamagedFolder, ByAnEmptySchema) {
  write(std::string(schema_name), "");
  expect_refusal("world/schema.toml:1:1: the database has no name\n");
}

TEST_F(DamagedFolder, ByASchemaThatStillReadsAsOne) {
  const std::string error =
      "world/schema.toml: wal-00000000000000000001 was written under another schema: this file was changed or damaged "
      "since, or one of the two is another database's\n";
  write(std::string(schema_name), with(schema_, "[tables.call]", "[tables.cell]"));
  expect_refusal(error);
  write(std::string(schema_name), with(schema_, "\"sequence\", type", "\"sepuence\", type"));
  const Finished done = stoa({"info", "world"});  // here a rule has the field's name too
  EXPECT_TRUE(done.err.starts_with("world/schema.toml:")) << done.err;
  expect_refusal(done.err);
  write(std::string(schema_name), with(schema_, "max = 9", "max = 8"));  // what a row is has not changed
  expect_refusal(error);
}

TEST_F(DamagedFolder, ByALogHeaderWithAnotherByte) {
  for (const std::size_t at : {std::size_t{0}, std::size_t{7}}) {
    std::string bytes = log_;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write(std::string(log_name), bytes);
    expect_refusal(std::string(log_name) + ": this is no log segment of stoa: its first bytes are others\n");
  }
  for (const std::size_t at : {8U, 12U, 16U, 48U, 64U, 72U, 100U, 127U}) {
    std::string bytes = log_;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write(std::string(log_name), bytes);
    expect_refusal(std::string(log_name) + ": the segment's header does not match its checksum\n");
  }
}

TEST_F(DamagedFolder, ByALogThatIsCutOffInItsHeader) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, log_header_bytes - 1}) {
    write(std::string(log_name), log_.substr(0, bytes));
    expect_refusal(std::string(log_name) + ": the segment's header is cut off after " + std::to_string(bytes) +
                   " bytes\n");
  }
}

TEST_F(DamagedFolder, ByALogOfZeros) {
  write(std::string(log_name), std::string(log_.size(), '\0'));
  expect_refusal(std::string(log_name) + ": this is no log segment of stoa: its first bytes are others\n");
}

TEST_F(DamagedFolder, ByALogThatEndsBehindItsHeader) {
  write(std::string(log_name), log_.substr(0, log_header_bytes));
  expect_refusal(std::string(log_name) +
                 " at byte 128: durable transactions are damaged or missing: the log is good up to version 0 here, and "
                 "wal-00000000000000000002 continues from version 1\n");
  EXPECT_NE(stoa({"info", "world", "--json"}).out.find(R"(","offset":128,"reason":")"), std::string::npos);
}

TEST_F(DamagedFolder, ByASegmentOfAnotherWorld) {
  ASSERT_EQ(stoa({"import", "other", "--schema", "schema.toml", "stop=first.csv"}).status, 0);
  ASSERT_EQ(stoa({"import", "other", "--schema", "schema.toml", "stop=more.csv"}).status, 0);
  const std::string name = "wal-00000000000000000002";
  write("world/" + name, read("other/" + name));
  expect_refusal("world/" + name + ": the log segment is another database's\n");
}

TEST_F(DamagedFolder, AtAnyByteOfItsSchemaOrHeader) {
  const auto expect_no_crash = [&](const std::string& what) {
    const Finished done = stoa({"info", "world"});
    if (done.status == 0) return;  // a comment, a blank, an enum's name: the same schema
    EXPECT_EQ(done.status, 1) << what << ": " << done.err;
    EXPECT_TRUE(done.err.starts_with("world/")) << what << ": " << done.err;
  };
  for (std::size_t at = 0; at < schema_.size(); at += 7) {
    std::string bytes = schema_;
    bytes[at] = static_cast<char>(bytes[at] ^ (1U << at % 8));
    write(std::string(schema_name), bytes);
    expect_no_crash("byte " + std::to_string(at));
    write(std::string(schema_name), schema_.substr(0, at));
    expect_no_crash("cut at " + std::to_string(at));
  }
  write(std::string(schema_name), schema_);
  for (std::size_t at = 0; at < log_header_bytes; ++at) {
    std::string bytes = log_;
    bytes[at] = static_cast<char>(bytes[at] ^ (1U << at % 8));
    write(std::string(log_name), bytes);
    const Finished done = stoa({"info", "world"});
    EXPECT_EQ(done.status, 1) << at;
    EXPECT_TRUE(done.err.starts_with(log_name)) << done.err;
  }
}

}  // namespace
}  // namespace stoa::cli_test
