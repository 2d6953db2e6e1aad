#include "peers/sqlite.h"

#include "peers/peers.h"

namespace bench {
namespace sqlite {

Connection::Connection() {
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(":memory:", &db_, flags, nullptr) != SQLITE_OK) {
    sqlite3_close(db_);
    throw std::runtime_error("sqlite: cannot open a database in memory");
  }
}

void Connection::run(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(std::string("sqlite: ") + sqlite3_errmsg(db_) + ": " + sql);
  }
}

Statement::Statement(const Connection& connection, const char* sql) {
  if (sqlite3_prepare_v3(connection.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) != SQLITE_OK) {
    throw std::runtime_error(std::string("sqlite: ") + sqlite3_errmsg(connection.get()) + ": " + sql);
  }
}

void Statement::fail() const {
  throw std::runtime_error(std::string("sqlite: ") + sqlite3_errmsg(sqlite3_db_handle(statement_)));
}

}  // namespace sqlite

namespace {

using sqlite::Statement;
using sqlite::Transaction;

// moved(position, velocity), so that one UPDATE moves all rows.
void moved_in_sql(sqlite3_context* context, int, sqlite3_value** arguments) {
  Position position;
  Velocity velocity;
  std::memcpy(&position, sqlite3_value_blob(arguments[0]), sizeof position);
  std::memcpy(&velocity, sqlite3_value_blob(arguments[1]), sizeof velocity);
  const Position sum = moved(position, velocity);
  sqlite3_result_blob(context, &sum, sizeof sum, SQLITE_TRANSIENT);
}

/// Made before the statements are prepared, which need them.
class Tables : public sqlite::Connection {
 public:
  Tables() {
    run("CREATE TABLE position(key INTEGER PRIMARY KEY, row BLOB NOT NULL)");
    run("CREATE TABLE velocity(key INTEGER PRIMARY KEY, row BLOB NOT NULL)");
    constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function(get(), "moved", 2, flags, nullptr, moved_in_sql, nullptr, nullptr) != SQLITE_OK) {
      throw std::runtime_error("sqlite: cannot add a function");
    }
  }
};

// A handle is the key, which is SQLite's own rowid: its shortest way. A row is a blob, as for the other peers, which is
// faster than three numbers.
class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::size_t rows) : rows_(rows) {
    Statement velocity(tables_, "INSERT INTO velocity VALUES(?, ?)");
    Transaction txn = transactions_.begin();
    for (std::size_t key = 0; key < rows; ++key) {
      put(insert_, key, first_position(key));
      put(velocity, key, first_velocity(key));
    }
    txn.commit();
  }

  [[nodiscard]] std::size_t rows() const override { return rows_; }
  [[nodiscard]] Handle handle(std::uint32_t key) const override { return key; }

  // A single statement is a transaction by itself.
  void insert(std::span<const Position> rows, std::size_t rows_per_transaction) override {
    if (rows_per_transaction == 1) {
      for (const Position& row : rows) put(insert_, rows_++, row);
      return;
    }
    for_each_batch(rows, rows_per_transaction, [this](std::span<const Position> batch) {
      Transaction txn = transactions_.begin();
      for (const Position& row : batch) put(insert_, rows_++, row);
      txn.commit();
    });
  }
  void update(std::span<const Write> writes, std::size_t writes_per_transaction) override {
    if (writes_per_transaction == 1) {
      for (const Write& write : writes) put(update_, write.handle, write.row);
      return;
    }
    for_each_batch(writes, writes_per_transaction, [this](std::span<const Write> batch) {
      Transaction txn = transactions_.begin();
      for (const Write& write : batch) put(update_, write.handle, write.row);
      txn.commit();
    });
  }
  void erase(std::span<const Handle> handles, std::size_t handles_per_transaction) override {
    for_each_batch(handles, handles_per_transaction, [this](std::span<const Handle> batch) {
      Transaction txn = transactions_.begin();
      for (Handle handle : batch) {
        for (Statement* from : {&erase_position_, &erase_velocity_}) {
          from->bind(1, handle);
          from->run();
        }
      }
      txn.commit();
    });
  }
  [[nodiscard]] std::uint64_t get(std::span<const Handle> handles) override {
    Transaction txn = transactions_.begin();
    const std::uint64_t sum = get_fresh(handles);
    txn.commit();
    return sum;
  }
  [[nodiscard]] std::uint64_t get_fresh(std::span<const Handle> handles) override {
    std::uint64_t sum = 0;
    for (Handle handle : handles) {
      get_.bind(1, handle);
      if (!get_.step()) throw std::runtime_error("sqlite: a row is missing");
      sum += digest(get_.row<Position>(0));
      get_.reset();
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t scan_one() override {
    std::uint64_t sum = 0;
    while (scan_.step()) sum += digest(scan_.row<Position>(0));
    return sum;
  }
  // Side by side in two statements: a join would look each velocity up.
  [[nodiscard]] std::uint64_t scan_two() override {
    Statement velocities(tables_, "SELECT row FROM velocity ORDER BY key");
    std::uint64_t sum = 0;
    while (scan_.step()) {
      if (!velocities.step()) throw std::runtime_error("sqlite: a row is missing");
      sum += digest(scan_.row<Position>(0)) + digest(velocities.row<Velocity>(0));
    }
    return sum;
  }
  void move_all() override { move_.run(); }
  [[nodiscard]] std::vector<Position> dump() override {
    std::vector<Position> out;
    while (scan_.step()) out.push_back(scan_.row<Position>(0));
    return out;
  }

 private:
  template <typename Row>
  static void put(Statement& into, std::uint64_t key, const Row& row) {
    into.bind(1, key);
    into.bind_row(2, row);
    into.run();
  }

  std::size_t rows_;
  Tables tables_;
  sqlite::Transactions transactions_{tables_};
  Statement insert_{tables_, "INSERT INTO position VALUES(?, ?)"};
  Statement update_{tables_, "UPDATE position SET row = ?2 WHERE key = ?1"};
  Statement erase_position_{tables_, "DELETE FROM position WHERE key = ?"};
  Statement erase_velocity_{tables_, "DELETE FROM velocity WHERE key = ?"};
  Statement get_{tables_, "SELECT row FROM position WHERE key = ?"};
  Statement scan_{tables_, "SELECT row FROM position ORDER BY key"};
  Statement move_{tables_,
                  "UPDATE position SET row = moved(position.row, v.row) FROM velocity v WHERE v.key = position.key"};
};

}  // namespace

std::unique_ptr<Store> make_sqlite(std::size_t rows) { return std::make_unique<SqliteStore>(rows); }

}  // namespace bench
