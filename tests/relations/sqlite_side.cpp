#include "relations/sqlite_side.h"

#include <sqlite3.h>

#include <stdexcept>

namespace stoa::test::histories {
namespace {

using Kind = Column::Kind;

void must(sqlite3* db, int result) {
  if (result != SQLITE_OK) throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(db));
}

sqlite3* open() {
  sqlite3* out = nullptr;
  const int result = sqlite3_open(":memory:", &out);
  if (result != SQLITE_OK) throw std::runtime_error("SQLite does not open");
  return out;
}

const char* action_of(OnDelete on_delete) {
  switch (on_delete) {
    case OnDelete::restrict: return "NO ACTION";
    case OnDelete::set_null: return "SET NULL";
    case OnDelete::remove:
    case OnDelete::cascade: return "CASCADE";
  }
  return "";
}

std::string joined(const Table& table, const std::vector<std::size_t>& columns, const std::string& between) {
  std::string out;
  for (const std::size_t column : columns) out += (out.empty() ? "" : between) + table.columns[column].name;
  return out;
}

}  // namespace

Statement::Statement(sqlite3* db, const std::string& sql) : db_(db) {
  sqlite3_stmt* out = nullptr;
  must(db, sqlite3_prepare_v3(db, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &out, nullptr));
  statement_.reset(out);
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::begin(const std::vector<std::pair<Cell, bool>>& values) {
  sqlite3_reset(statement_.get());
  int at = 0;
  for (const auto& [cell, null] : values) {
    ++at;
    if (null) {
      must(db_, sqlite3_bind_null(statement_.get(), at));
    } else if (const auto* text = std::get_if<std::string>(&cell)) {
      // A copy: the statement may be stepped after the values are gone.
      must(db_, sqlite3_bind_text64(statement_.get(), at, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8));
    } else {
      must(db_, sqlite3_bind_int64(statement_.get(), at, std::get<std::int64_t>(cell)));
    }
  }
}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(db_));
  sqlite3_reset(statement_.get());
  return false;
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* text = sqlite3_column_text(statement_.get(), column);
  return {reinterpret_cast<const char*>(text),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

SqliteSide::SqliteSide(const Tables& tables) : tables_(tables), db_(open()) {
  execute("PRAGMA foreign_keys = ON");
  for (const Table& table : tables) create(table);
  for (const Table& table : tables) prepare(table);
}

void SqliteSide::Close::operator()(sqlite3* db) const { sqlite3_close(db); }

void SqliteSide::execute(const char* sql) { must(db_.get(), sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr)); }

// Only the references are SQLite's to watch: its other rules are judged at once, and have their checks.
void SqliteSide::create(const Table& table) {
  std::string sql = "CREATE TABLE " + table.name + " (entity INTEGER PRIMARY KEY";
  for (const Column& column : table.columns) {
    sql += ", " + column.name + (column.kind == Kind::text ? " TEXT" : " INTEGER");
    if (column.kind != Kind::reference) continue;
    sql += " REFERENCES " + tables_[column.target].name + "(entity) ON DELETE " + action_of(column.on_delete) +
           " DEFERRABLE INITIALLY DEFERRED";
  }
  execute((sql + ")").c_str());
}

void SqliteSide::prepare(const Table& table) {
  sqlite3* const db = db_.get();
  std::string marks = "?1";
  std::string assignments;
  std::string names = "entity";
  std::vector<Statement> set;
  for (std::size_t at = 0; at < table.columns.size(); ++at) {
    const Column& column = table.columns[at];
    const std::string mark = "?" + std::to_string(at + 2);
    names += ", " + column.name;
    marks += ", " + mark;
    assignments += (at == 0 ? "" : ", ") + column.name + " = " + mark;
    set.emplace_back(db, "UPDATE " + table.name + " SET " + column.name + " = ?2 WHERE entity = ?1");
    const std::string such = "SELECT 1 FROM " + table.name + " WHERE " + column.name;
    if (column.required) {
      checks_.emplace_back(Rule::required, Statement(db, such + (column.kind == Kind::text ? " = ''" : " IS NULL")));
    }
    if (column.range) {
      checks_.emplace_back(Rule::range, Statement(db, such + " NOT BETWEEN " + std::to_string(column.range->first) +
                                                          " AND " + std::to_string(column.range->second)));
    }
  }
  for (const auto& columns : table.unique_sets()) {
    checks_.emplace_back(
        Rule::unique,
        Statement(db, "SELECT 1 FROM " + table.name + " WHERE " + joined(table, columns, " IS NOT NULL AND ") +
                          " IS NOT NULL GROUP BY " + joined(table, columns, ", ") + " HAVING count(*) > 1"));
  }
  const std::string where = " WHERE entity = ?1";
  statements_.push_back({Statement(db, "INSERT INTO " + table.name + " VALUES (" + marks + ")"),
                         Statement(db, "UPDATE " + table.name + " SET " + assignments + where),
                         Statement(db, "DELETE FROM " + table.name + where),
                         Statement(db, "SELECT " + names + " FROM " + table.name + where),
                         Statement(db, "SELECT " + names + " FROM " + table.name + " ORDER BY entity"),
                         std::move(set)});
}

Verdict SqliteSide::apply(const std::vector<Operation>& operations) {
  execute("BEGIN");
  before_.clear();
  Verdict verdict = write(operations);
  execute(verdict.committed() ? "COMMIT" : "ROLLBACK");
  return verdict;
}

Verdict SqliteSide::write(const std::vector<Operation>& operations) {
  Verdict out;
  out.impossible = do_writes(operations);
  if (out.impossible) return out;
  out.late_reference = is_late(operations, newly_set());
  if (out.late_reference) {
    out.broken.insert(Rule::reference);
    return out;
  }
  take_away(operations);
  int unresolved = 0;
  int high = 0;
  must(db_.get(), sqlite3_db_status(db_.get(), SQLITE_DBSTATUS_DEFERRED_FKS, &unresolved, &high, 0));
  if (unresolved != 0) out.broken.insert(Rule::reference);
  for (auto& [rule, check] : checks_) {
    check.begin();
    if (check.step()) out.broken.insert(rule);
    check.begin();
  }
  return out;
}

// Also says whether what is to be taken away is there, while it is: SQLite's actions come at once.
std::optional<ErrorCode> SqliteSide::do_writes(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    const auto& [kind, table, entity, row, column, cell] = operation;
    const std::optional<Row> there = find(table, entity);
    if (kind == Operation::Kind::insert && there) return ErrorCode::already_exists;
    if (kind != Operation::Kind::insert && !there) return ErrorCode::not_found;
    if (operation.takes_away()) continue;
    before_.try_emplace({table, entity}, there);
    if (kind == Operation::Kind::set) {
      set_cell(table, entity, column, cell);
      continue;
    }
    std::vector<std::pair<Cell, bool>> values{{Cell(entity), false}};
    for (std::size_t at = 0; at < row.size(); ++at) values.push_back(bound(table, at, row[at]));
    Statement& statement = kind == Operation::Kind::insert ? statements_[table].insert : statements_[table].update;
    statement.begin(values);
    statement.run();
  }
  return std::nullopt;
}

// References that are other than before the transaction, and not null.
std::vector<SqliteSide::Set> SqliteSide::newly_set() {
  std::vector<Set> out;
  for (const auto& [place, row] : before_) {
    const auto& [table, entity] = place;
    const Row now = find(table, entity).value();
    for (std::size_t column = 0; column < now.size(); ++column) {
      if (tables_[table].columns[column].kind != Kind::reference || bits_of(now[column]) == 0) continue;
      if (!row || (*row)[column] != now[column]) out.push_back({table, entity, column, bits_of(now[column])});
    }
  }
  return out;
}

// Whether a reference that the transaction set itself ends up in a row that stays, to a target that was there and
// goes. No action follows from such a one, so it is null while it is tried what goes.
bool SqliteSide::is_late(const std::vector<Operation>& operations, const std::vector<Set>& set) {
  if (set.empty() || !operations.back().takes_away()) return false;
  std::vector<bool> was_there;
  for (const auto& [table, entity, column, target] : set) {
    was_there.push_back(find(tables_[table].columns[column].target, target).has_value());
  }
  execute("SAVEPOINT trial");
  for (const auto& [table, entity, column, target] : set) set_cell(table, entity, column, std::int64_t{0});
  take_away(operations);
  bool out = false;
  for (std::size_t at = 0; at < set.size(); ++at) {
    const auto& [table, entity, column, target] = set[at];
    out = out || (was_there[at] && find(table, entity) && !find(tables_[table].columns[column].target, target));
  }
  execute("ROLLBACK TO trial");
  execute("RELEASE trial");
  return out;
}

void SqliteSide::take_away(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    if (!operation.takes_away()) continue;
    Statement& statement = statements_[operation.table].erase;
    statement.begin({{Cell(operation.entity), false}});
    statement.run();
  }
}

void SqliteSide::set_cell(std::size_t table, EntityBits entity, std::size_t column, const Cell& cell) {
  Statement& statement = statements_[table].set[column];
  statement.begin({{Cell(entity), false}, bound(table, column, cell)});
  statement.run();
}

std::optional<Row> SqliteSide::find(std::size_t table, EntityBits entity) {
  Statement& statement = statements_[table].find;
  statement.begin({{Cell(entity), false}});
  std::optional<Row> out;
  if (statement.step()) out = read(table, statement);
  statement.begin();
  return out;
}

Content SqliteSide::content() {
  Content out(tables_.size());
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    Statement& statement = statements_[table].all;
    statement.begin();
    while (statement.step()) out[table].emplace(statement.number(0), read(table, statement));
  }
  return out;
}

Row SqliteSide::read(std::size_t table, const Statement& statement) const {
  Row out;
  int at = 0;
  for (const Column& column : tables_[table].columns) {
    ++at;
    out.push_back(column.kind == Kind::text ? Cell(statement.text(at)) : Cell(statement.number(at)));
  }
  return out;
}

std::pair<Cell, bool> SqliteSide::bound(std::size_t table, std::size_t column, const Cell& cell) const {
  return {cell, tables_[table].columns[column].kind == Kind::reference && bits_of(cell) == 0};
}

}  // namespace stoa::test::histories
