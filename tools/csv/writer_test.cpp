#include "csv/writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "csv/reader.h"
#include "csv/test_source.h"

namespace stoa::csv {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  append_cell(out, text);
  return out;
}

TEST(Writer, QuotesOnlyWhereACellNeedsIt) {
  EXPECT_EQ(cell(""), "");
  EXPECT_EQ(cell("plain text; 'so' it is"), "plain text; 'so' it is");
  EXPECT_EQ(cell("a,b"), "\"a,b\"");
  EXPECT_EQ(cell("a\nb"), "\"a\nb\"");
  EXPECT_EQ(cell("a\r"), "\"a\r\"");
  EXPECT_EQ(cell("\""), "\"\"\"\"");
  EXPECT_EQ(cell("say \"yes\" now"), "\"say \"\"yes\"\" now\"");
  EXPECT_EQ(cell("\xEF\xBB\xBFx"), "\"\xEF\xBB\xBFx\"");
}

TEST(Writer, WritesALoneEmptyCellThatIsNoEmptyLine) {
  std::string out;
  const std::string_view one[] = {""};
  const std::string_view two[] = {"", ""};
  append_record(out, one);
  append_record(out, two);
  EXPECT_EQ(out, "\"\"\n,\n");
}

// Any table of texts comes back cell for cell, wherever the pieces and the buffers end.
TEST(Writer, WritesWhatTheReaderReadsBack) {
  const char* given = std::getenv("STOA_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "STOA_TEST_SEED=" << seed << "\n";
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::string_view atoms[] = {"\"", ",", "\n", "\r",           "\r\n", "a",
                                    "0",  " ", "é",  "\xEF\xBB\xBF", "💡",    "long plain text"};

  for (int round = 0; round < 400; ++round) {
    const std::size_t columns = 1 + below(5);
    std::vector<std::vector<std::string>> rows(1 + below(20), std::vector<std::string>(columns));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t column = 0; column < columns; ++column) {
        std::string& text = rows[i][column];
        const std::size_t atom_count = below(3) == 0 ? 0 : below(12);
        for (std::size_t n = 0; n < atom_count; ++n) text += atoms[below(std::size(atoms))];
        if (i == 0) text += fmt::format("#{}", column);  // the header's names
      }
    }
    std::string file;
    for (const auto& row : rows) append_record(file, std::vector<std::string_view>(row.begin(), row.end()));
    if (below(2) == 0 && file.size() > 3) file.pop_back();

    auto source = std::make_unique<TestSource>(file, below(file.size() + 1), 1 + below(40));
    auto reader = Reader::open(std::move(source), {.buffer_bytes = 1 + below(64)});
    ASSERT_TRUE(reader) << reader.error().message();
    EXPECT_EQ(std::vector<std::string>(reader->header().begin(), reader->header().end()), rows[0]);
    for (std::size_t i = 1; i < rows.size(); ++i) {
      const auto read = reader->next();
      ASSERT_TRUE(read) << read.error().message();
      ASSERT_TRUE(*read);
      ASSERT_EQ(std::vector<std::string>(reader->cells().begin(), reader->cells().end()), rows[i]);
    }
    ASSERT_FALSE(reader->next().value());
  }
}

}  // namespace
}  // namespace stoa::csv
