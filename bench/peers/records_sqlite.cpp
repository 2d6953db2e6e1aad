#include "peers/sqlite.h"

#include "peers/records.h"

namespace bench {
namespace {

using sqlite::Statement;

/// Made before the statements are prepared, which need it.
class RecordTable : public sqlite::Connection {
 public:
  RecordTable() { run("CREATE TABLE record(key INTEGER PRIMARY KEY, row BLOB NOT NULL)"); }
};

class SqliteRecords {
 public:
  explicit SqliteRecords(std::span<const std::uint64_t> keys) {
    sqlite::Transaction txn = transactions_.begin();
    for (std::uint64_t key : keys) insert(key, payload_of(key, 0));
    txn.commit();
  }
  [[nodiscard]] std::uint64_t read(Handle key) { return digest(get(key)); }
  void update(Handle key, const Payload& payload) { put(update_, key, payload); }
  void insert(std::uint64_t key, const Payload& payload) { put(insert_, key, payload); }
  [[nodiscard]] std::uint64_t scan(std::uint64_t key, std::size_t length) {
    scan_.bind(1, key);
    scan_.bind(2, length);
    std::uint64_t sum = 0;
    while (scan_.step()) sum += digest(scan_.row<Payload>(0));
    return sum;
  }
  [[nodiscard]] std::uint64_t modify(Handle, std::uint64_t key) {
    sqlite::Transaction txn = transactions_.begin();
    const Payload seen = get(key);
    update(key, next_of(key, seen));
    txn.commit();
    return digest(seen);
  }

 private:
  static void put(Statement& statement, std::uint64_t key, const Payload& payload) {
    statement.bind(1, key);
    statement.bind_row(2, payload);
    statement.run();
  }
  [[nodiscard]] Payload get(std::uint64_t key) {
    get_.bind(1, key);
    if (!get_.step()) throw std::runtime_error("sqlite: a record is missing");
    const auto out = get_.row<Payload>(0);
    get_.reset();
    return out;
  }

  RecordTable table_;
  sqlite::Transactions transactions_{table_};
  Statement insert_{table_, "INSERT INTO record VALUES(?, ?)"};
  Statement update_{table_, "UPDATE record SET row = ?2 WHERE key = ?1"};
  Statement get_{table_, "SELECT row FROM record WHERE key = ?"};
  Statement scan_{table_, "SELECT row FROM record WHERE key >= ? ORDER BY key LIMIT ?"};
};

}  // namespace

std::unique_ptr<Records> make_sqlite_records(std::span<const std::uint64_t> keys) {
  return std::make_unique<RecordsOf<SqliteRecords>>(keys);
}

}  // namespace bench
