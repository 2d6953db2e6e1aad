#include "csv/reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "csv/test_source.h"

namespace stoa::csv {
namespace {

using testing::ElementsAre;

// All that a reader says, one line each: the header, then records with their line and errors, to the end or a failure.
std::vector<std::string> read_all(std::unique_ptr<ByteSource> source, ReaderOptions options = {}) {
  std::vector<std::string> out;
  auto reader = Reader::open(std::move(source), options);
  if (!reader) return {"open: " + reader.error().message()};
  std::string header = "header";
  for (const std::string& name : reader->header()) header += " [" + name + "]";
  out.push_back(header);
  for (;;) {
    const auto read = reader->next();
    if (!read) {
      const Place& place = *read.error().place();
      EXPECT_EQ(place.line, reader->failed() ? 0 : reader->line());
      EXPECT_TRUE(reader->cells().empty());
      out.push_back(fmt::format("{} @{}", read.error().message(), place.offset));
      if (reader->failed()) return out;
      continue;
    }
    if (!*read) {
      EXPECT_TRUE(reader->cells().empty());
      EXPECT_FALSE(reader->next().value()) << "the end is no end";
      return out;
    }
    std::string record = std::to_string(reader->line());
    for (const std::string_view cell : reader->cells()) record += fmt::format(" [{}]", cell);
    out.push_back(record);
  }
}

struct Case {
  const char* claim;
  std::string text;
  std::vector<std::string> expected;
  std::size_t record_bytes_max = 1 << 20;
};

std::ostream& operator<<(std::ostream& out, const Case& test) { return out << test.claim; }

// String literals with NUL bytes.
template <std::size_t N>
std::string bytes(const char (&text)[N]) {
  return std::string(text, N - 1);
}

const Case cases[] = {
    // Ordinary input.
    {"LineFeeds", "a,b\n1,2\n3,4\n", {"header [a] [b]", "2 [1] [2]", "3 [3] [4]"}},
    {"CarriageReturnLineFeeds", "a,b\r\n1,2\r\n3,4\r\n", {"header [a] [b]", "2 [1] [2]", "3 [3] [4]"}},
    {"NoLastLineBreak", "a,b\n1,2\n3,4", {"header [a] [b]", "2 [1] [2]", "3 [3] [4]"}},
    {"NoLastLineBreakAfterComma", "a,b\n1,", {"header [a] [b]", "2 [1] []"}},
    {"NoLastLineBreakAfterQuote", "a,b\n1,\"2\"", {"header [a] [b]", "2 [1] [2]"}},
    {"HeaderAlone", "a,b", {"header [a] [b]"}},
    {"EmptyCells", "a,b,c\n,,\n,x,\n", {"header [a] [b] [c]", "2 [] [] []", "3 [] [x] []"}},
    {"EmptyLinesAreSkippedAndCounted", "\n\r\na\n\n\n1\r\n\r\n2\n\n", {"header [a]", "6 [1]", "8 [2]"}},
    {"QuotedEmptyCellIsARecord", "a\n\"\"\n\n\"\"", {"header [a]", "2 []", "4 []"}},
    {"ByteOrderMark",
     "\xEF\xBB\xBF"
     "a,b\n1,2\n",
     {"header [a] [b]", "2 [1] [2]"}},
    {"ByteOrderMarkBeforeQuote", "\xEF\xBB\xBF\"a\",b\n1,2\n", {"header [a] [b]", "2 [1] [2]"}},
    {"ByteOrderMarkElsewhereIsText",
     "a\n\xEF\xBB\xBF"
     "1\n",
     {"header [a]",
      "2 [\xEF\xBB\xBF"
      "1]"}},
    {"SpacesAndTabsAreText", "a,b\n 1 ,\t2\t\n", {"header [a] [b]", "2 [ 1 ] [\t2\t]"}},
    {"Unicode", "naïve,b\nZürich 💡,東京\n", {"header [naïve] [b]", "2 [Zürich 💡] [東京]"}},
    {"QuotedComma", "a,b\n\"1,5\",2\n", {"header [a] [b]", "2 [1,5] [2]"}},
    {"QuotedLineBreaksAreKept",
     "a,b\n\"1\n2\",\"3\r\n4\"\n5,6\n",
     {"header [a] [b]", "2 [1\n2] [3\r\n4]", "5 [5] [6]"}},
    {"QuotedLoneCarriageReturnIsText", "a\n\"1\r2\"\n", {"header [a]", "2 [1\r2]"}},
    {"DoubledQuotes",
     "a,b\n\"\"\"\",\"x\"\"y\"\"\"\n\"\"\"\"\"\",z\n",
     {"header [a] [b]", "2 [\"] [x\"y\"]", "3 [\"\"] [z]"}},
    {"QuotedHeader", "\"a\"\"x\",\"b\nc\"\n1,2\n", {"header [a\"x] [b\nc]", "3 [1] [2]"}},
    {"CommasAcrossWords",
     "a,b,c\n1234567,12345678,123456789\n12345678901234567,,1234567890123456\n",
     {"header [a] [b] [c]", "2 [1234567] [12345678] [123456789]", "3 [12345678901234567] [] [1234567890123456]"}},

    // Headers that are refused.
    {"NothingAtAll", "", {"open: test.csv: no header line"}},
    {"OnlyAByteOrderMark", "\xEF\xBB\xBF", {"open: test.csv: no header line"}},
    {"OnlyEmptyLines", "\n\r\n\n", {"open: test.csv: no header line"}},
    {"EmptyName", "a,,c\n1,2,3\n", {"open: test.csv:1:2: an empty name in the header"}},
    {"NameTwice", "\na,b,c,b\n", {"open: test.csv:2:4: the header has the name \"b\" in cell 2 already"}},
    {"HeaderWithAFault",
     "a,b\"c\n1,2\n",
     {"open: test.csv:1:2: a quote inside a cell that does not begin with one at byte 3 of line 1, in cell 2"}},

    // Records that are bad, and where the reader goes on.
    {"TooFewCells",
     "a,b,c\n1,2\n4,5,6\n",
     {"header [a] [b] [c]", "test.csv:2: 2 cells where the header has 3 @6", "3 [4] [5] [6]"}},
    {"TooManyCells",
     "a,b\n1,2,\"x\ny\"\n4,5\n",
     {"header [a] [b]", "test.csv:2: 3 cells where the header has 2 @4", "4 [4] [5]"}},
    {"QuoteInPlainCell",
     "a,b\n1,2\"3\n4,5\n",
     {"header [a] [b]",
      "test.csv:2:2: a quote inside a cell that does not begin with one at byte 3 of line 2, in cell 2 (b) @7",
      "3 [4] [5]"}},
    {"QuoteInPlainCellOpensNothing",
     "a,b\n1,2\" 3\"\n\"4\",5\n",
     {"header [a] [b]",
      "test.csv:2:2: a quote inside a cell that does not begin with one at byte 3 of line 2, in cell 2 (b) @7",
      "3 [4] [5]"}},
    {"SpaceBeforeQuote",
     "a,b\n1, \"2\"\n4,5\n",
     {"header [a] [b]",
      "test.csv:2:2: a quote inside a cell that does not begin with one at byte 3 of line 2, in cell 2 (b) @7",
      "3 [4] [5]"}},
    {"TextAfterQuote",
     "a,b\n\"1\"x,2\n4,5\n",
     {"header [a] [b]", "test.csv:2:1: text after the closing quote at byte 3 of line 2, in cell 1 (a) @7",
      "3 [4] [5]"}},
    {"TextAfterQuoteOnALaterLine",
     "a,b\n1,\"x\ny\" ,\n4,5\n",
     {"header [a] [b]", "test.csv:2:2: text after the closing quote at byte 2 of line 3, in cell 2 (b) @11",
      "4 [4] [5]"}},
    {"FaultBehindTheLastColumn",
     "a\n1,2,3\"\n4\n",
     {"header [a]",
      "test.csv:2:3: a quote inside a cell that does not begin with one at byte 5 of line 2, in cell 3 @7", "3 [4]"}},
    {"FaultOnTheLastLineWithoutLineBreak",
     "a\n\"1\"2",
     {"header [a]", "test.csv:2:1: text after the closing quote at byte 3 of line 2, in cell 1 (a) @5"}},
    {"UnclosedQuoteOnTheLastLine",
     "a,b\n1,2\n3,\"4\n",
     {"header [a] [b]", "2 [1] [2]",
      "test.csv:3:2: a quote that is never closed at byte 2 of line 3, in cell 2 (b) @10"}},
    {"UnclosedQuoteAtTheVeryEnd",
     "a,b\n3,\"",
     {"header [a] [b]", "test.csv:2:2: a quote that is never closed at byte 2 of line 2, in cell 2 (b) @6"}},
    {"UnclosedQuoteTakesTheRestOfTheFile",
     "a,b\n\"1,2\n3,4\n5,6",
     {"header [a] [b]",
      "test.csv:2:1: a quote that is never closed at byte 0 of line 2, in cell 1 (a); lines 2 to 4 are lost @4"}},
    {"LoneCarriageReturn",
     "a,b\n1,2\r3,4\n5,6\n",
     {"header [a] [b]", "test.csv:2:2: a carriage return without a line feed at byte 3 of line 2, in cell 2 (b) @7",
      "3 [5] [6]"}},
    {"LoneCarriageReturnAtTheEnd",
     "a,b\n1,\"2\"\r",
     {"header [a] [b]", "test.csv:2:2: a carriage return without a line feed at byte 5 of line 2, in cell 2 (b) @9"}},
    {"TwoCarriageReturns",
     "a\n1\r\r\n2\n",
     {"header [a]", "test.csv:2:1: a carriage return without a line feed at byte 1 of line 2, in cell 1 (a) @3",
      "3 [2]"}},
    {"NulByte",
     bytes("a,b\n1,2\0\n\"3\0\",4\n5,6\n"),
     {"header [a] [b]", "test.csv:2:2: a NUL byte at byte 3 of line 2, in cell 2 (b) @7",
      "test.csv:3:1: a NUL byte at byte 2 of line 3, in cell 1 (a) @11", "4 [5] [6]"}},
    {"InvalidUtf8",
     "a,b\n1,x\xC3(\n\"\xFF\",2\n5,6\n",
     {"header [a] [b]", "test.csv:2:2: invalid UTF-8 at byte 3 of line 2, in cell 2 (b) @7",
      "test.csv:3:1: invalid UTF-8 at byte 1 of line 3, in cell 1 (a) @11", "4 [5] [6]"}},
    {"InvalidUtf8OnALaterLineOfTheRecord",
     "a,b\n\"x\ny\x80\",\"\n\"\n5,6\n",
     {"header [a] [b]", "test.csv:2:1: invalid UTF-8 at byte 1 of line 3, in cell 1 (a) @8", "5 [5] [6]"}},
    {"CharacterCutByAComma",
     "a,b\n\xE2\x82,\xAC\n5,6\n",
     {"header [a] [b]", "test.csv:2:1: invalid UTF-8 at byte 0 of line 2, in cell 1 (a) @4", "3 [5] [6]"}},
    {"TheEarlierOfTwoFaultsIsReported",
     "a,b\n\xFF,2\"\n1,2\"\xFF\n3,\xFF\"\n5,6\n",
     {"header [a] [b]", "test.csv:2:1: invalid UTF-8 at byte 0 of line 2, in cell 1 (a) @4",
      "test.csv:3:2: a quote inside a cell that does not begin with one at byte 3 of line 3, in cell 2 (b) @12",
      "test.csv:4:2: invalid UTF-8 at byte 2 of line 4, in cell 2 (b) @17", "5 [5] [6]"}},
    {"ByteOrderMarkCountsInOffsetsAndNotInLines",
     "\xEF\xBB\xBF"
     "a\n1\"\n",
     {"header [a]",
      "test.csv:2:1: a quote inside a cell that does not begin with one at byte 1 of line 2, in cell 1 (a) @6"}},

    // The limit; it counts the line break.
    {"RecordAtTheLimit",
     "a\n1234567\n123456\r\n\"12345\"\n12345678",
     {"header [a]", "2 [1234567]", "3 [123456]", "4 [12345]", "5 [12345678]"},
     8},
    {"RecordOverTheLimit",
     "a\n12345678\n1234567\r\n123456789\n1\n123456789",
     {"header [a]", "test.csv:2: a record of more than 8 bytes @2", "test.csv:3: a record of more than 8 bytes @11",
      "test.csv:4: a record of more than 8 bytes @20", "5 [1]", "test.csv:6: a record of more than 8 bytes @32"},
     8},
    {"LineFarOverTheLimit",
     "a\n" + std::string(300, 'x') + "\n1\n",
     {"header [a]", "test.csv:2: a record of more than 8 bytes @2", "3 [1]"},
     8},
    {"UnclosedQuoteGoesOnAtTheLimit",
     "a\n\"1\n2\n3\n4\n5\n6\n7\n",
     {"header [a]", "test.csv:2: a record of more than 8 bytes; lines 2 to 5 are lost @2", "6 [5]", "7 [6]", "8 [7]"},
     8},
    {"UnclosedQuoteGoesOnRightBehindALineThatEndsAtTheLimit",
     "a\n\"1\n2\n34\n5\n6\n",
     {"header [a]", "test.csv:2: a record of more than 8 bytes; lines 2 to 4 are lost @2", "5 [5]", "6 [6]"},
     8},
    {"UnclosedQuoteGoesOnBehindTheLineAtTheLimit",
     "a\n\"1\n2\n34567\n8\n",
     {"header [a]", "test.csv:2: a record of more than 8 bytes; lines 2 to 4 are lost @2", "5 [8]"},
     8},
    {"FaultInARecordThatIsAlsoTooLong",
     "a\n1\"" + std::string(300, 'x') + "\n1\n",
     {"header [a]",
      "test.csv:2:1: a quote inside a cell that does not begin with one at byte 1 of line 2, in cell 1 (a) @3",
      "3 [1]"},
     8},
    {"HeaderOverTheLimit", "123456789\n1\n", {"open: test.csv:1: a record of more than 8 bytes"}, 8},
};

class ReaderCase : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Reader, ReaderCase, testing::ValuesIn(cases),
                         [](const auto& test) { return std::string(test.param.claim); });

TEST_P(ReaderCase, ReadsAsExpected) {
  const Case& test = GetParam();
  EXPECT_EQ(read_all(std::make_unique<TestSource>(test.text), {.record_bytes_max = test.record_bytes_max}),
            test.expected);
}

TEST_P(ReaderCase, ReadsTheSameWhereverThePiecesAndTheBufferEnd) {
  const Case& test = GetParam();
  for (const std::size_t buffer_bytes : {1u, 4u, 5u, 7u, 16u, 64u, 1u << 18}) {
    const ReaderOptions options{.record_bytes_max = test.record_bytes_max, .buffer_bytes = buffer_bytes};
    for (std::size_t split = 0; split <= test.text.size(); ++split) {
      ASSERT_EQ(read_all(std::make_unique<TestSource>(test.text, split), options), test.expected)
          << "split at " << split << ", buffer of " << buffer_bytes;
    }
    ASSERT_EQ(read_all(std::make_unique<TestSource>(test.text, 0, 1), options), test.expected);
  }
}

TEST(Reader, GivesAllRecordsBeforeAFailureOfTheSourceAndThenOnlyTheFailure) {
  const std::string text = "a,b\n1,2\n3\n4,\"x\n";
  for (const std::size_t buffer_bytes : {1u, 8u, 1u << 18}) {
    const Error broken(ErrorCode::io, Place{"test.csv"}, "broken");
    auto reader =
        Reader::open(std::make_unique<TestSource>(text, 0, 3, broken), {.buffer_bytes = buffer_bytes}).value();
    EXPECT_TRUE(reader.next().value());
    EXPECT_EQ(reader.next().error().code(), ErrorCode::invalid_argument);
    EXPECT_FALSE(reader.failed()) << "of a bad record, with the failure read ahead";
    for (int again = 0; again < 3; ++again) {
      const auto read = reader.next();
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error().code(), ErrorCode::io);
      EXPECT_TRUE(reader.failed());
    }
  }
}

TEST(Reader, FailsToOpenWhereTheSourceFailsInTheHeader) {
  const Error broken(ErrorCode::io, Place{"test.csv"}, "broken");
  EXPECT_EQ(read_all(std::make_unique<TestSource>("a,b", 0, 1, broken)),
            std::vector<std::string>{"open: test.csv: broken"});
}

TEST(Reader, KeepsCellsWhenItIsMoved) {
  Reader first = Reader::open(std::make_unique<TestSource>("a,b\n1,\"\"\"\"\n")).value();
  ASSERT_TRUE(first.next().value());
  const auto cells = first.cells();
  const Reader second = std::move(first);
  EXPECT_THAT(cells, ElementsAre("1", "\""));
  EXPECT_EQ(second.cells().data(), cells.data());
  EXPECT_EQ(second.line(), 2u);
}

TEST(Reader, NamesTheCellThatItsCallerRefuses) {
  Reader reader = Reader::open(std::make_unique<TestSource>("a,b\n1,2\n3,x\n")).value();
  ASSERT_TRUE(reader.next().value());
  ASSERT_TRUE(reader.next().value());
  const Error error(ErrorCode::invalid_argument, reader.cell_place(1), "no number");
  EXPECT_EQ(error.message(), "test.csv:3:2: no number");
  EXPECT_EQ(reader.cell_place(1).offset, 8u);
}

TEST(Reader, GrowsForARecordThatOutgrowsTheBuffer) {
  const std::string large(1 << 16, 'x');
  const auto out =
      read_all(std::make_unique<TestSource>("a,b\n" + large + ",\"" + large + "\"\n1,2\n"), {.buffer_bytes = 16});
  EXPECT_EQ(out, (std::vector<std::string>{"header [a] [b]", "2 [" + large + "] [" + large + "]", "3 [1] [2]"}));
}

}  // namespace
}  // namespace stoa::csv
