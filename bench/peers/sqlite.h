// SQLite's handles as objects. In memory, used by one thread, statements prepared once; its journal stays on, in
// memory, as without it a transaction could not be taken back. Pages of 4 KiB and the cache as they come: of a database
// in memory all pages are in it.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace bench::sqlite {

class Connection {
 public:
  Connection();
  ~Connection() { sqlite3_close(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  [[nodiscard]] sqlite3* get() const { return db_; }
  void run(const char* sql);

 private:
  sqlite3* db_ = nullptr;
};

class Statement {
 public:
  Statement(const Connection& connection, const char* sql);
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int at, std::uint64_t value) {
    check(sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value)));
  }
  /// The row stays with the caller until the statement has run.
  template <typename Row>
  void bind_row(int at, const Row& row) {
    check(sqlite3_bind_blob(statement_, at, &row, sizeof row, SQLITE_STATIC));
  }
  /// Whether there is a row; without one the statement is ready to be run again.
  bool step() {
    const int status = sqlite3_step(statement_);
    if (status == SQLITE_ROW) return true;
    check(sqlite3_reset(statement_));
    return false;
  }
  /// Before the rows have ended.
  void reset() { check(sqlite3_reset(statement_)); }
  void run() {
    while (step()) continue;
  }
  template <typename Row>
  [[nodiscard]] Row row(int column) {
    const void* blob = sqlite3_column_blob(statement_, column);
    if (blob == nullptr || sqlite3_column_bytes(statement_, column) != sizeof(Row)) {
      throw std::runtime_error("sqlite: a row of another size");
    }
    Row out;
    std::memcpy(&out, blob, sizeof out);
    return out;
  }

 private:
  void check(int status) const {
    if (status != SQLITE_OK) [[unlikely]]
      fail();
  }
  [[noreturn]] void fail() const;

  sqlite3_stmt* statement_ = nullptr;
};

/// One that is left before commit() is rolled back.
class Transaction {
 public:
  Transaction(Statement& begin, Statement& commit, Statement& rollback) : commit_(&commit), rollback_(&rollback) {
    begin.run();
  }
  ~Transaction() {
    if (commit_ != nullptr) rollback_->run();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    commit_->run();
    commit_ = nullptr;
  }

 private:
  Statement* commit_;
  Statement* rollback_;
};

/// BEGIN, COMMIT and ROLLBACK, prepared.
class Transactions {
 public:
  explicit Transactions(const Connection& connection)
      : begin_(connection, "BEGIN"), commit_(connection, "COMMIT"), rollback_(connection, "ROLLBACK") {}
  [[nodiscard]] Transaction begin() { return {begin_, commit_, rollback_}; }

 private:
  Statement begin_;
  Statement commit_;
  Statement rollback_;
};

}  // namespace bench::sqlite
