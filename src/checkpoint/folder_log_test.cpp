// A folder's log as deltas: bodies that are none are refused, whoever wrote them, and a log may come later.
#include "checkpoint/folder_log.h"

#include "base/file_memory.h"
#include "checkpoint/folder.h"
#include "delta/run.h"
#include "wal/segments.h"
#include "wal/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace stoa::checkpoint {
namespace {

using delta::RunCode;
using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

const std::string folder = "world";

// Fields by number: enumeration "e", flag "f", number "n"; text "t" is a table's own.
constexpr std::string_view schema_text = R"([database]
name = "w"
[enums.kind]
base = "u8"
variants = ["red", "green"]
[tables.a]
fields = [{ name = "n", type = "u32" }, { name = "e", type = "kind" }, { name = "f", type = "bool" }]
[tables.b]
fields = [{ name = "t", type = "text" }]
)";

class FolderLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.make_directory(folder));
    ASSERT_TRUE(files_.lock(folder));
    ASSERT_TRUE(write_schema(files_, folder, *schema_));
    identity_ = new_identity(schema_->hash(), random_);
  }

  /// A run of entity 0:1, and what is behind its entities.
  static Bytes run(RunCode code, unsigned number, std::initializer_list<unsigned> head,
                   std::initializer_list<unsigned> values) {
    Bytes out{static_cast<std::byte>(static_cast<unsigned>(code) | number << delta::run_code_bits)};
    for (const unsigned byte : head) out.push_back(static_cast<std::byte>(byte));
    out.push_back(std::byte{0});  // one entity
    delta::EntityDifference{}.put({0, 1}, out);
    for (const unsigned byte : values) out.push_back(static_cast<std::byte>(byte));
    return out;
  }
  static Bytes row_of_a(unsigned kind, unsigned flag) { return run(RunCode::create, 1, {0}, {kind, flag, 7, 0, 0, 0}); }

  /// Each body is a transaction, a batch of its own, and in small segments.
  void write_log(const std::vector<Bytes>& bodies, const wal::LogEnd& end = {}) {
    auto writer = wal::Writer::open(files_, folder, identity_, end, random_, {.segment_bytes = 512}).value();
    wal::Batch batch;
    for (const Bytes& body : bodies) {
      batch.add({.version = writer.last_version() + 1, .wall_ns = 5, .tag = 6, .body = body});
      ASSERT_TRUE(writer.write(batch));
      batch.clear();
    }
    ASSERT_TRUE(writer.close());
  }
  std::vector<std::uint64_t> segments() { return wal::list_segments(files_, folder).value(); }
  std::expected<FolderLog, Error> open(Version from = 0) { return FolderLog::open(files_, folder, nullptr, from); }

  MemoryFileSystem files_;
  SeededRandom random_{7};
  const std::shared_ptr<const CompiledSchema> schema_ =
      Schema::from_toml(schema_text, "schema").value().compile().value();
  wal::Identity identity_;
};

TEST_F(FolderLogTest, GivesEachTransactionAsADelta) {
  write_log({row_of_a(1, 1), run(RunCode::update, 0, {0, 1}, {0}), {}});
  auto log = open().value();
  const auto first = log.next().value();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->version, 1U);
  EXPECT_EQ(first->time.time_since_epoch().count(), 5);
  EXPECT_EQ(first->bytes, row_of_a(1, 1).size());
  EXPECT_EQ(first->delta.tag(), 6U);
  EXPECT_EQ(first->delta.from(), 0U);
  EXPECT_EQ(first->delta.to(), 1U);
  EXPECT_EQ(first->delta.count(), 2U);
  std::vector<std::string> told;
  first->delta.each([&](const DeltaChange& change) {
    told.push_back(change.table == nullptr ? "" : change.table->name);
    if (change.row) {
      EXPECT_EQ(change.row->field("e")->value(), Value("green"));
      EXPECT_EQ(change.row->field("f")->value(), Value(true));
      EXPECT_EQ(change.row->field("n")->value(), Value(7U));
    }
    return true;
  });
  EXPECT_EQ(told, (std::vector<std::string>{"", "a"}));
  const auto second = log.next().value();
  ASSERT_TRUE(second);
  second->delta.each([](const DeltaChange& change) {
    EXPECT_EQ(change.fields.size(), 1U);
    EXPECT_EQ(change.fields[0]->name, "f");
    EXPECT_EQ(change.row->field(*change.fields[0]).value(), Value(false));
    return true;
  });
  EXPECT_TRUE(log.next().value()->delta.empty());
  EXPECT_FALSE(log.next().value());
}

TEST_F(FolderLogTest, RefusesABodyThatIsNone) {
  const std::vector<std::pair<Bytes, std::string>> bodies{
      {{std::byte{7}}, "an unknown operation"},
      {Bytes(9, std::byte{0xFF}), "an unknown operation"},
      {run(RunCode::create, 1, {9}, {}), "not a table of the schema"},
      {run(RunCode::create, 1, {0}, {1, 1, 7}), "rows that are cut off"},
      {run(RunCode::create, 1, {1}, {200, 1, 'x'}), "a row that is cut off"},
      {run(RunCode::update, 0, {0, 3}, {0}), "not a field of the table"},
      {row_of_a(2, 0), "a.e: "},
      {row_of_a(0, 2), "a.f: a bool that is not 0 or 1"},
      {run(RunCode::update, 0, {0, 0}, {2}), "a.e: "},
      {run(RunCode::update, 0, {0, 1}, {255}), "a.f: a bool that is not 0 or 1"}};
  for (const auto& [body, reason] : bodies) {
    for (const std::uint64_t number : segments())
      ASSERT_TRUE(files_.remove(join_path(folder, wal::segment_name(number))));
    std::vector<Bytes> all(15, row_of_a(0, 0));  // more than a segment's
    all.push_back(body);
    write_log(all);
    auto log = open().value();
    for (Version version = 1; version <= 15; ++version) EXPECT_EQ(log.next().value()->version, version);
    for (int i = 0; i < 2; ++i) {
      const auto refused = log.next();
      ASSERT_FALSE(refused) << reason;
      EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
      EXPECT_EQ(refused.error().place()->source, join_path(folder, wal::segment_name(segments().back())));
      EXPECT_GE(refused.error().place()->offset, wal::segment_header_bytes);
      EXPECT_THAT(refused.error().message(), HasSubstr("transaction 16: byte 0: " + reason));
    }
  }
}

TEST_F(FolderLogTest, OfADatabaseWithoutOneIsEmptyUntilItIsBegun) {
  auto log = open().value();
  EXPECT_FALSE(log.next().value());
  write_log({row_of_a(0, 0)});
  EXPECT_EQ(log.next().value()->version, 1U);
  EXPECT_FALSE(log.next().value());
}

TEST_F(FolderLogTest, OfATrimmedLogSaysWhereItBegins) {
  write_log(std::vector<Bytes>(30, row_of_a(0, 0)));
  ASSERT_GT(segments().size(), 2U);
  ASSERT_GT(wal::trim(files_, folder, 12).value(), 0U);
  auto log = open().value();
  const Version first = log.next().value()->version;
  EXPECT_GT(first, 1U);
  EXPECT_EQ(open(first).value().next().value()->version, first);
  const auto gone = open(first - 1);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), ErrorCode::history_gone);
  EXPECT_THAT(gone.error().message(), HasSubstr("from version " + std::to_string(first) + " on"));
}

TEST_F(FolderLogTest, NeedsADatabaseOfTheSchemaGiven) {
  EXPECT_EQ(FolderLog::open(files_, "nowhere", nullptr, 0).error().code(), ErrorCode::not_found);
  ASSERT_TRUE(files_.make_directory("letters"));
  ASSERT_TRUE(files_.create("letters/letter"));
  EXPECT_EQ(FolderLog::open(files_, "letters", nullptr, 0).error().code(), ErrorCode::not_a_database);
  const auto other =
      Schema::from_toml("[database]\nname = \"w\"\n[tables.a]\nfields = []\n", "other").value().compile();
  EXPECT_EQ(FolderLog::open(files_, folder, *other, 0).error().code(), ErrorCode::schema_mismatch);
}

}  // namespace
}  // namespace stoa::checkpoint
