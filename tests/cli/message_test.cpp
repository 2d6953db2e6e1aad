// What a message shows of names, paths and cells that hold anything: one line each, nothing that a terminal would obey,
// and of what is long its start.
#include <gmock/gmock.h>

#include "cli/cli_fixture.h"

namespace stoa::cli_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Message : public CliTest {
 protected:
  static void expect_printable(const Finished& done, int lines) {
    int found = 0;
    for (const char c : done.err) {
      if (c == '\n') ++found;
      EXPECT_TRUE(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)) << done.err;
    }
    EXPECT_EQ(found, lines) << done.err;
  }
};

TEST_F(Message, ShowsNoControlCharactersOfCells) {
  write("stop.csv", "id,name,code\n\"A\x1b[31m\n\",x,1\n\"A\x1b[31m\n\",x,2\n");
  const Finished same_key = import({"stop=stop.csv"});
  EXPECT_EQ(same_key.err, "stop.csv:4:1: id: \"A\\x1b[31m\\x0a\" is on line 2 already, and id is the key\n");
  write("call.csv", "stop,sequence\n\"\x1b\n\",1\n");
  EXPECT_EQ(import({"call=call.csv"}).err, "call.csv:2:1: stop: no row of stop has the key \"\\x1b\\x0a\"\n");
  write("stop.csv", "id,name,code\nA,x,\"1\r\x1b\n\"\n");
  EXPECT_EQ(import({"stop=stop.csv"}).err, "stop.csv:2:3: code: \"1\\x0d\\x1b\\x0a\" is no u32\n");
  write("stop.csv", "id,name,code\nA,x,\"1\xC2\x9B\"\n");
  EXPECT_EQ(import({"stop=stop.csv"}).err, "stop.csv:2:3: code: \"1\\xc2\\x9b\" is no u32\n");
}

TEST_F(Message, ShowsNoControlCharactersOfAHeader) {
  write("stop.csv", "id,\"na\x1b\nme\",code\nA,x,1\n");
  const Finished unknown = import({"stop=stop.csv"});
  EXPECT_THAT(unknown.err, HasSubstr("no field \"na\\x1b\\x0ame\""));
  expect_printable(unknown, 1);
  write("stop.csv", "id,\"\x1b\n\",\"\x1b\n\"\nA,x,1\n");
  const Finished twice = import({"stop=stop.csv"});
  EXPECT_THAT(twice.err, HasSubstr("has the name \"\\x1b\\x0a\" in cell 2 already"));
  expect_printable(twice, 1);
  write("stop.csv", "id,\"\x1b\n\"\nA,x\"y\n");
  expect_printable(import({"--ignore-unknown", "stop=stop.csv"}), 1);
}

TEST_F(Message, ShowsTheStartOfALongKey) {
  const std::string key = std::string(62, 'k') + "\xC3\xA9" + std::string(900'000, 'k');
  write("stop.csv", "id,name,code\n" + key + ",x,1\n" + key + ",x,2\n");
  const std::string shown = "\"" + std::string(62, 'k') + "\xC3\xA9\"... (900064 bytes)";
  EXPECT_EQ(import({"stop=stop.csv"}).err, "stop.csv:3:1: id: " + shown + " is on line 2 already, and id is the key\n");
  write("call.csv", "stop,sequence\nx" + key + ",1\n");
  EXPECT_EQ(import({"call=call.csv"}).err,
            "call.csv:2:1: stop: no row of stop has the key \"x" + std::string(62, 'k') + "\"... (900065 bytes)\n");
  write("stop.csv", "id,name,code,level\nA,x,1," + std::string(900'000, '0') + "10\n");
  EXPECT_EQ(import({"stop=stop.csv"}).err,
            "stop.csv:2:4: level: " + std::string(64, '0') + "... (900002 bytes) is not between -9 and 9\n");
}

TEST_F(Message, ShowsNoControlCharactersOfPathsAndWords) {
  expect_printable(import({"stop=no\x1bwhere\n.csv"}), 1);
  expect_printable(stoa({"info", "no\x1bwhere\n"}), 1);
  expect_printable(stoa({"check", "no\x1bwhere\n.toml"}), 1);
  expect_printable(stoa({"no\x1b\nwhere"}), 2);
  expect_printable(stoa({"check", "--no\x1b\nwhere", "a"}), 2);
  write("st\nop\x1b.csv", "id,name,code\nA,x,1\nB,x,1\nA,x,2\n");
  expect_printable(import({"--on-error", "skip", "stop=st\nop\x1b.csv", "stop=st\nop\x1b.csv"}), 6);
}

TEST_F(Message, ShowsNoControlCharactersOfASchema) {
  const std::string_view text =
      "[database]\nname = \"x\"\n[tables.\"a\\u001b\\nb\"]\ncolour = 1\n\"ta\\nste\" = 2\n"
      "fields = [{ name = \"x\", type = \"\\n\\u001b\" }]\n";
  write("a\nb.toml", text);
  const Finished done = stoa({"check", "a\nb.toml", "--json"});
  EXPECT_EQ(done.status, 1);
  expect_printable(done, 4);
  EXPECT_THAT(done.err, HasSubstr("a\\x0ab.toml:3:9: \"a\\x1b\\x0ab\" is no name"));
  EXPECT_THAT(done.out, HasSubstr(R"({"file":"a\nb.toml","line":3,"column":9,"reason":"\"a\\x1b\\x0ab\" is no name)"));
  EXPECT_THAT(done.out, HasSubstr(R"("reason":"\"\\x0a\\x1b\" is no type)"));
  EXPECT_THAT(done.out, Not(HasSubstr("{\"reason\"")));
  write("no.toml", "[database]\nname = \"\x1b\"\n");  // no TOML
  expect_printable(stoa({"check", "no.toml"}), 1);
}

TEST_F(Message, InJsonIsUtf8WhateverTheNamesAre) {
  write("b\xFF.toml", "[database]\nname = 7\n");
  const Finished done = stoa({"check", "b\xFF.toml", "--json"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.out, HasSubstr(R"("file":"b\ufffd.toml","line":2,"column":8,)"));
  EXPECT_THAT(done.out, Not(HasSubstr("\xFF")));
}

}  // namespace
}  // namespace stoa::cli_test
