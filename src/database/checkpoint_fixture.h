// What the tests of checkpoints share: a world whose content follows from what was committed, large enough for its log
// to have many segments. Tests only.
#pragma once

#include "checkpoint/checkpoints.h"
#include "database/folder_fixture.h"
#include "wal/segments.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace stoa::detail {

class CheckpointTest : public FolderTest {
 protected:
  using Numbers = std::set<std::uint32_t>;

  static std::shared_ptr<const CompiledSchema> schema() {
    return Schema::from_toml(R"([database]
name = "w"
[tables.a]
fields = [{ name = "x", type = "u32", unique = true }, { name = "note", type = "text" }]
[tables.mark]
storage = "sparse"
fields = [{ name = "at", type = "u32" }]
[tables.passing]
log = false
fields = [{ name = "x", type = "u32" }]
)",
                             "w")
        .value()
        .compile()
        .value();
  }
  static std::expected<Core, Error> open(MemoryFileSystem& files, const Options& options = FolderTest::options()) {
    return DatabaseCore::open(files, world, schema(), options);
  }
  std::expected<Core, Error> open() { return open(files_); }

  /// Adds an entity with that number and, three times in four, ends one. `numbers` is what is there then.
  static std::expected<Commit, Error> commit(DatabaseCore& core, std::uint32_t number, Numbers& numbers) {
    Transaction transaction = core.engine().begin();
    const Entity entity = transaction.create();
    transaction.insert("a", entity, {{"x", number}, {"note", std::string(900, 'n')}});
    transaction.insert("mark", entity, {{"at", number}});
    transaction.insert("passing", entity, {{"x", number}});
    if (number % 4 != 0 && !numbers.empty()) {
      transaction.destroy(core.snapshot().find("a", "x", *numbers.begin()).value());
      numbers.erase(numbers.begin());
    }
    numbers.insert(number);
    return std::move(transaction).commit();
  }
  /// From the next version on, as many; each has its version as its number.
  void commit_many(DatabaseCore& core, int count) {
    for (; count != 0; --count) {
      const auto done = commit(core, static_cast<std::uint32_t>(core.version()) + 1, numbers_);
      ASSERT_TRUE(done) << done.error().message();
    }
  }
  static Numbers numbers_in(DatabaseCore& core) {
    Numbers out;
    const Snapshot snapshot = core.snapshot();
    EXPECT_TRUE(snapshot.each("a", [&](Entity entity, const RowView& row) {
      out.insert(row.field("x")->as<std::uint32_t>());
      EXPECT_TRUE(snapshot.has("mark", entity).value());
    }));
    EXPECT_EQ(snapshot.count("mark").value(), out.size());
    return out;
  }

  static std::string path_of(Version checkpoint) { return join_path(world, checkpoint::checkpoint_name(checkpoint)); }
  std::vector<Version> checkpoints() { return checkpoint::list_checkpoints(files_, world).value(); }
  std::vector<std::uint64_t> segments() { return wal::list_segments(files_, world).value(); }
  /// Turns a bit of the file.
  void damage(const std::string& path, std::size_t offset) {
    std::vector<std::byte> bytes = files_.contents(path);
    ASSERT_GT(bytes.size(), offset);
    bytes[offset] ^= std::byte{1};
    files_.set_contents(path, std::move(bytes));
  }

  Numbers numbers_;  // in the world as it is to be
};

}  // namespace stoa::detail
