// What the tests of a database's folder share: a world of one table in a file system in memory, opened, written to and
// left as a program would. Tests only.
#pragma once

#include "base/file_memory.h"
#include "database/core.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace stoa::detail {

using Core = std::unique_ptr<DatabaseCore>;
using Names = std::vector<std::string>;

inline const std::string world = "world";

class FolderTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const CompiledSchema> schema() {
    return Schema::from_toml("[database]\nname = \"w\"\n[tables.a]\nfields = [{ name = \"x\", type = \"u32\" }]\n", "a")
        .value()
        .compile()
        .value();
  }
  static Options options() {
    Options out;
    out.writer = WriterMode::manual;
    out.segment_bytes_max = 4096;
    return out;
  }
  std::expected<Core, Error> open() { return DatabaseCore::open(files_, world, schema(), options()); }
  std::expected<Core, Error> open_read_only() { return DatabaseCore::open_read_only(files_, world, nullptr); }

  static std::expected<Commit, Error> commit(DatabaseCore& core) {
    Transaction transaction = core.engine().begin();
    transaction.insert("a", transaction.create(), {{"x", std::uint32_t{7}}});
    return std::move(transaction).commit();
  }
  Names names() { return files_.list(world).value(); }
  bool exists() { return files_.list(world).has_value(); }

  MemoryFileSystem files_;
  SeededRandom random_{1};
};

}  // namespace stoa::detail
