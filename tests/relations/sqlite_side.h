// The tables in SQLite, with its own foreign keys, and what stoa judges at a transaction's end judged there, too.
#pragma once

#include "relations/history.h"

#include <stoa/error.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace stoa::test::histories {

enum class Rule : std::uint8_t { reference, unique, required, range };

/// What is to come of a transaction: it is committed where there is nothing in it.
struct Verdict {
  std::optional<ErrorCode> impossible;  // an operation that cannot be done: not_found, already_exists
  std::set<Rule> broken;
  bool late_reference = false;  // one that it set itself, to what goes; then `broken` says no more

  [[nodiscard]] bool committed() const { return !impossible && broken.empty(); }
};

/// A statement, compiled once. Anything that SQLite does not like throws std::runtime_error.
class Statement {
 public:
  Statement(sqlite3* db, const std::string& sql);

  /// Begins anew with these values; null is for references.
  void begin(const std::vector<std::pair<Cell, bool>>& values = {});
  /// Whether there is another row.
  [[nodiscard]] bool step();
  void run() {
    while (step()) {
    }
  }
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteSide {
 public:
  explicit SqliteSide(const Tables& tables);

  /// Commits it, or leaves everything as it was.
  Verdict apply(const std::vector<Operation>& operations);
  [[nodiscard]] Content content();

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  // A reference by table, entity and column, and what it is to.
  struct Set {
    std::size_t table;
    EntityBits entity;
    std::size_t column;
    EntityBits target;
  };
  struct TableStatements {
    Statement insert, update, erase, find, all;
    std::vector<Statement> set;  // by column
  };

  void execute(const char* sql);
  void create(const Table& table);
  void prepare(const Table& table);
  [[nodiscard]] Verdict write(const std::vector<Operation>& operations);
  [[nodiscard]] std::optional<ErrorCode> do_writes(const std::vector<Operation>& operations);
  [[nodiscard]] std::vector<Set> newly_set();
  [[nodiscard]] bool is_late(const std::vector<Operation>& operations, const std::vector<Set>& set);
  void take_away(const std::vector<Operation>& operations);
  void set_cell(std::size_t table, EntityBits entity, std::size_t column, const Cell& cell);
  [[nodiscard]] std::optional<Row> find(std::size_t table, EntityBits entity);
  [[nodiscard]] Row read(std::size_t table, const Statement& statement) const;
  [[nodiscard]] std::pair<Cell, bool> bound(std::size_t table, std::size_t column, const Cell& cell) const;

  const Tables& tables_;
  std::unique_ptr<sqlite3, Close> db_;
  std::vector<TableStatements> statements_;
  std::vector<std::pair<Rule, Statement>> checks_;  // each finds a row where the rule is broken
  std::map<std::pair<std::size_t, EntityBits>, std::optional<Row>> before_;  // of the rows that a transaction wrote
};

}  // namespace stoa::test::histories
