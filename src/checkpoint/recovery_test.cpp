// Folders made by hand: what recovery makes of a log that is whole, and what it says of one that is not.
#include "checkpoint/recovery.h"

#include "base/file_memory.h"
#include "checkpoint/checkpoints.h"
#include "checkpoint/folder.h"
#include "delta/run.h"
#include "storage/testing/world.h"
#include "wal/segments.h"
#include "wal/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace stoa::checkpoint {
namespace {

using delta::RunCode;
using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

const std::string folder = "world";

class RecoveryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.make_directory(folder));
    ASSERT_TRUE(write_schema(files_, folder, *schema_));
    identity_ = new_identity(schema_->hash(), random_);
  }

  /// A run of one entity, without tables and with nothing behind it.
  static Bytes operation(RunCode code, unsigned index, unsigned generation) {
    Bytes out{static_cast<std::byte>(code), std::byte{0}};
    delta::EntityDifference{}.put({index, generation}, out);
    return out;
  }

  /// Each body is a transaction and a batch of its own, in small segments.
  void write_log(const std::vector<Bytes>& bodies, bool following = false) {
    auto writer = wal::Writer::open(files_, folder, identity_, {}, random_, {.segment_bytes = 512}).value();
    writer.begin_history(identity_.history_id, following);
    wal::Batch batch;
    for (const Bytes& body : bodies) {
      batch.add({.version = writer.last_version() + 1, .wall_ns = 0, .tag = 0, .body = body});
      ASSERT_TRUE(writer.write(batch));
      batch.clear();
    }
    ASSERT_TRUE(writer.close());
  }
  std::expected<Recovered, Error> recover(storage::BufferManager& buffers, bool seems_following = false) {
    const Stored stored{.checkpoints = list_checkpoints(files_, folder).value(),
                        .log = identity_,
                        .histories = {{0, identity_.history_id, {}, seems_following}}};
    return recover_state(files_, folder, stored, wal::Access::owner, buffers);
  }
  Error refusal() {
    storage::BufferManager buffers(storage::test::make_world(schema_), {});
    auto replayed = recover(buffers);
    EXPECT_FALSE(replayed);
    return replayed ? Error::invalid("it was taken") : replayed.error();
  }
  [[nodiscard]] std::uint64_t segment_count() { return wal::list_segments(files_, folder)->size(); }

  MemoryFileSystem files_;
  SeededRandom random_{7};
  const std::shared_ptr<const CompiledSchema> schema_ = storage::test::make_schema();
  wal::Identity identity_;
};

TEST_F(RecoveryTest, EveryTransactionIsReplayedToTheLastOne) {
  std::vector<Bytes> bodies;
  for (unsigned i = 0; i < 20; ++i) bodies.push_back(operation(RunCode::create, i, 1));
  bodies.push_back(operation(RunCode::destroy, 19, 1));
  write_log(bodies);
  ASSERT_GT(segment_count(), 2U);
  storage::BufferManager buffers(storage::test::make_world(schema_), {});
  const auto replayed = recover(buffers);
  ASSERT_TRUE(replayed) << replayed.error().message();
  EXPECT_EQ(replayed->log.transaction_count, 21U);
  EXPECT_EQ(buffers.version(), 21U);
  EXPECT_EQ(buffers.write_buffer().root().entity_count, 19U);
}

// A header that could not be read when the folder was looked at must not make a replica a database of its own.
TEST_F(RecoveryTest, WhetherItIsAReplicaTheLogSaysThatWasRead) {
  write_log({operation(RunCode::create, 0, 1), operation(RunCode::create, 1, 1)}, true);
  for (const bool seems : {false, true}) {
    storage::BufferManager buffers(storage::test::make_world(schema_), {});
    const auto replayed = recover(buffers, seems);
    ASSERT_TRUE(replayed) << replayed.error().message();
    ASSERT_TRUE(replayed->followed);
    EXPECT_EQ(replayed->followed->has_other(1, 2, {}), seems) << "what was not remembered is not known";
    EXPECT_EQ(buffers.entities().reserve().index(), 2U) << "it gives out no id of the other database";
  }
}

TEST_F(RecoveryTest, IsNoReplicaWhereTheLogThatWasReadIsOfNone) {
  write_log({operation(RunCode::create, 0, 1)});
  storage::BufferManager buffers(storage::test::make_world(schema_), {});
  const auto replayed = recover(buffers, true);
  ASSERT_TRUE(replayed) << replayed.error().message();
  EXPECT_FALSE(replayed->followed);
}

TEST_F(RecoveryTest, NoIdThatWasCommittedComesBack) {
  // 0 was never begun, 1 ended twice, 2 lives, 3 ended.
  write_log({operation(RunCode::create, 1, 1), operation(RunCode::destroy, 1, 1), operation(RunCode::create, 1, 2),
             operation(RunCode::destroy, 1, 2), operation(RunCode::create, 2, 1), operation(RunCode::create, 3, 5),
             operation(RunCode::destroy, 3, 5)});
  storage::BufferManager buffers(storage::test::make_world(schema_), {});
  ASSERT_TRUE(recover(buffers));
  buffers.prepare_commit();
  ASSERT_EQ(buffers.write_buffer().create({9, 1}), storage::Outcome::done);
  std::vector<Entity> ended;
  buffers.write_buffer().accept(ended);
  buffers.commit_batch(8, ended);  // indices come back after a commit
  for (int i = 0; i < 10; ++i) {
    const Entity entity = buffers.entities().reserve();
    const std::uint32_t floor = entity.index() == 1 ? 2 : entity.index() == 3 ? 5 : entity.index() == 2 ? 1 : 0;
    EXPECT_NE(entity.index(), 2U) << "it is alive";
    EXPECT_GT(entity.generation(), floor) << "index " << entity.index();
  }
}

TEST_F(RecoveryTest, ATransactionThatDoesNotFitIsRefusedWithItsFileAndVersion) {
  std::vector<Bytes> bodies;
  for (unsigned i = 0; i < 20; ++i) bodies.push_back(operation(RunCode::create, i, 1));
  bodies.push_back(operation(RunCode::destroy, 50, 1));
  write_log(bodies);
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  ASSERT_NE(error.place(), nullptr);
  EXPECT_EQ(error.place()->source, join_path(folder, wal::segment_name(segment_count())));
  EXPECT_THAT(error.message(), HasSubstr("transaction 21"));
  EXPECT_THAT(error.message(), HasSubstr("an entity that is not there"));
}

TEST_F(RecoveryTest, ABodyThatIsNoDeltaIsRefused) {
  for (const Bytes& body :
       {Bytes{std::byte{99}, std::byte{1}, std::byte{1}}, Bytes{std::byte{2}}, operation(RunCode::create, 1, 0),
        operation(RunCode::insert, 0, 1), operation(RunCode::remove, 0, 1), Bytes(9, std::byte{0xFF})}) {
    const auto names = files_.list(folder);  // named: a temporary in the loop's head would be gone by its first turn
    ASSERT_TRUE(names);
    for (const std::string& name : *names) {
      ASSERT_TRUE(!wal::parse_segment_name(name) || files_.remove(join_path(folder, name)));
    }
    write_log({operation(RunCode::create, 0, 1), body});
    const Error error = refusal();
    EXPECT_EQ(error.code(), ErrorCode::corrupt);
    ASSERT_NE(error.place(), nullptr);
    EXPECT_EQ(error.place()->source, join_path(folder, wal::segment_name(1)));
    EXPECT_THAT(error.message(), HasSubstr("transaction 2"));
  }
}

TEST_F(RecoveryTest, ADamagedSegmentIsNamed) {
  std::vector<Bytes> bodies;
  for (unsigned i = 0; i < 20; ++i) bodies.push_back(operation(RunCode::create, i, 1));
  write_log(bodies);
  const std::string path = join_path(folder, wal::segment_name(2));
  Bytes bytes = files_.contents(path);
  bytes[wal::segment_header_bytes + wal::frame_header_bytes] ^= std::byte{1};
  files_.set_contents(path, bytes);
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  ASSERT_NE(error.place(), nullptr);
  EXPECT_EQ(error.place()->source, path);
}

TEST_F(RecoveryTest, AMissingSegmentIsAnError) {
  std::vector<Bytes> bodies;
  for (unsigned i = 0; i < 20; ++i) bodies.push_back(operation(RunCode::create, i, 1));
  write_log(bodies);
  ASSERT_TRUE(files_.remove(join_path(folder, wal::segment_name(2))));
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::corrupt);
  ASSERT_NE(error.place(), nullptr);
  EXPECT_THAT(error.place()->source, HasSubstr("wal-"));
}

TEST_F(RecoveryTest, ALogOfAnotherSchemaIsRefused) {
  write_log({operation(RunCode::create, 0, 1)});
  identity_.schema_hash[0] ^= 1U;
  EXPECT_EQ(refusal().code(), ErrorCode::schema_mismatch);
}

TEST_F(RecoveryTest, ASchemaFileThatIsNotTheLogsIsDamage) {
  write_log({operation(RunCode::create, 0, 1)});
  EXPECT_TRUE(read_identity(files_, folder, schema_->hash()));
  SchemaHash other = schema_->hash();
  other[1] ^= 1U;
  const auto refused = read_identity(files_, folder, other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::corrupt);
  EXPECT_EQ(refused.error().place()->source, join_path(folder, schema_file_name));
  EXPECT_THAT(refused.error().message(), HasSubstr(wal::segment_name(1)));
}

TEST(Folder, OfSomethingElseIsNoDatabase) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.make_directory(folder));
  EXPECT_EQ(read_schema(files, folder).error().code(), ErrorCode::not_found);
  files.set_contents(join_path(folder, "letter.txt"), {std::byte{'x'}});
  EXPECT_EQ(read_schema(files, folder).error().code(), ErrorCode::not_a_database);
  const auto refused = write_schema(files, folder, *storage::test::make_schema());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::not_a_database);
  EXPECT_THAT(refused.error().message(), HasSubstr("letter.txt"));
}

TEST(Folder, WithASchemaIsADatabaseOnceAnOwnerHasLockedItOrWrittenToIt) {
  for (const std::string_view name : {"LOCK", "wal-00000000000000000001", "checkpoint-00000000000000000007"}) {
    SCOPED_TRACE(name);
    MemoryFileSystem files;
    ASSERT_TRUE(files.make_directory(folder));
    const auto schema = storage::test::make_schema();
    const auto bytes = std::as_bytes(std::span(schema->canonical_text()));
    files.set_contents(join_path(folder, schema_file_name), {bytes.begin(), bytes.end()});
    files.set_contents(join_path(folder, "letter.txt"), {std::byte{'x'}});
    EXPECT_FALSE(*holds_database(files, folder));
    EXPECT_EQ(read_schema(files, folder).error().code(), ErrorCode::not_a_database);
    EXPECT_EQ(check_not_foreign(files, folder).error().code(), ErrorCode::not_a_database);
    files.set_contents(join_path(folder, name), {});
    EXPECT_TRUE(*holds_database(files, folder));
    EXPECT_TRUE(read_schema(files, folder));
    EXPECT_TRUE(check_not_foreign(files, folder));
  }
}

// Of the names that are not synced a power failure may keep any: a schema without its lock would be no database, and
// no creation would go on with it.
TEST(Folder, GivesTheSchemaItsNameOnceTheLocksIsOnTheDisk) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.make_directory(folder));
  ASSERT_TRUE(files.sync_directory(parent_path(folder)));
  ASSERT_TRUE(files.lock(folder));
  files.set_fault_hook([&](FileOperation operation, const std::string&) -> std::optional<Error> {
    if (operation == FileOperation::rename) return Error(ErrorCode::io, "injected");
    return std::nullopt;
  });
  EXPECT_FALSE(write_schema(files, folder, *storage::test::make_schema()));
  files.set_fault_hook({});
  SeededRandom random(7);
  files.crash(Unsynced::lost, random);
  EXPECT_THAT(*files.list(folder), testing::Contains("LOCK"));
}

TEST(Folder, WithADamagedSchemaNamesTheFileAndTheLine) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.make_directory(folder));
  ASSERT_TRUE(files.lock(folder));
  ASSERT_TRUE(write_schema(files, folder, *storage::test::make_schema()));
  const std::string path = join_path(folder, schema_file_name);
  Bytes bytes = files.contents(path);
  bytes[bytes.size() / 2] = std::byte{0};
  files.set_contents(path, bytes);
  const auto refused = read_schema(files, folder);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::schema_invalid);
  EXPECT_EQ(refused.error().place()->source, path);
  EXPECT_NE(refused.error().place()->line, 0U);
}

TEST(Folder, AnInterruptedCreationIsBegunAnew) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.make_directory(folder));
  ASSERT_TRUE(files.lock(folder));
  files.set_contents(join_path(folder, "schema.toml.new"), {std::byte{'['}});
  EXPECT_FALSE(*holds_database(files, folder));
  ASSERT_TRUE(write_schema(files, folder, *storage::test::make_schema()));
  EXPECT_TRUE(read_schema(files, folder));
}

}  // namespace
}  // namespace stoa::checkpoint
