#include "relations/history.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace stoa::test::histories {
namespace {

using Kind = Column::Kind;

constexpr std::size_t rows_wanted = 25;  // of a table, about
constexpr std::size_t tries = 8;         // for a value that keeps the rules

}  // namespace

Plan Planner::plan(const Content& now, std::vector<EntityBits> bare, const std::function<EntityBits()>& create) {
  plan_ = {{}, now, false};
  bare_ = std::move(bare);
  referred_.clear();
  create_ = &create;
  const std::size_t operations = random_.chance(60) ? 1 + random_.below(5) : 1 + random_.below(40);
  const std::size_t losses = random_.chance(30) ? 1 + random_.below(std::min<std::size_t>(operations, 3)) : 0;
  std::optional<std::size_t> wrong_at;
  if (random_.chance(30)) wrong_at = random_.below(operations);
  const auto fault = static_cast<Fault>(random_.below(7));
  std::size_t done = 0;
  for (; done + losses < operations; ++done) {
    if (done == wrong_at && fault != Fault::target_goes) do_wrong(fault);
    if (plan_.operations.size() < 40) write_something();
  }
  if (wrong_at && fault == Fault::target_goes) do_wrong(fault);
  for (std::size_t loss = 0; loss < losses; ++loss) {
    std::size_t table = some_table();
    EntityBits entity = some_row(table);
    for (std::size_t left = random_.chance(85) ? tries : 0; left != 0 && is_held(table, entity); --left) {
      table = some_table();
      entity = some_row(table);
    }
    if (entity != 0) take_away(table, entity);
  }
  return std::move(plan_);
}

void Planner::write_something() {
  const std::size_t table = some_table();
  const std::uint64_t dice = random_.below(100);
  const EntityBits entity = some_row(table);
  if (entity == 0 || dice < 30) return insert();
  if (dice < 38) return swap();
  const Table& shape = tables_[table];
  const std::size_t column = random_.below(shape.columns.size());
  const Row& row = plan_.draft[table].at(entity);
  auto cell = right_cell(table, column, entity, row);
  if (!cell) return;
  if (dice < 80) return set(table, entity, column, *std::move(cell));
  Operation update{Operation::Kind::update, table, entity, row};
  update.row[column] = *cell;
  const std::size_t second = random_.below(shape.columns.size());
  if (auto other = right_cell(table, second, entity, update.row)) update.row[second] = *std::move(other);
  for (std::size_t at = 0; at < shape.columns.size(); ++at) {
    if (shape.columns[at].kind == Kind::reference) referred_.push_back(bits_of(update.row[at]));
  }
  plan_.draft[table][entity] = update.row;
  plan_.operations.push_back(std::move(update));
}

void Planner::insert() {
  std::size_t table = random_.below(tables_.size());
  for (std::size_t again = 0; again < 3 && plan_.draft[table].size() > rows_wanted; ++again) {
    table = random_.below(tables_.size());
  }
  if (plan_.draft[table].size() > rows_wanted) return;
  EntityBits entity = 0;
  if (!bare_.empty() && random_.chance(30)) {
    entity = bare_.back();
    bare_.pop_back();
  } else {
    entity = (*create_)();
  }
  Row row;
  for (const Column& column : tables_[table].columns) {
    row.push_back(column.kind == Kind::text ? Cell(std::string()) : Cell(std::int64_t{0}));
  }
  for (std::size_t column = 0; column < row.size(); ++column) {
    auto cell = right_cell(table, column, entity, row);
    if (!cell && tables_[table].columns[column].required) return;
    if (cell) row[column] = *std::move(cell);
  }
  if (!is_free(table, row, entity)) return;
  for (std::size_t at = 0; at < row.size(); ++at) {
    if (tables_[table].columns[at].kind == Kind::reference) referred_.push_back(bits_of(row[at]));
  }
  plan_.draft[table][entity] = row;
  plan_.operations.push_back({Operation::Kind::insert, table, entity, std::move(row)});
}

void Planner::set(std::size_t table, EntityBits entity, std::size_t column, Cell cell) {
  if (tables_[table].columns[column].kind == Kind::reference) referred_.push_back(bits_of(cell));
  plan_.draft[table][entity][column] = cell;
  plan_.operations.push_back({Operation::Kind::set, table, entity, {}, column, std::move(cell)});
}

void Planner::swap() {
  const std::size_t table = some_table();
  const auto sets = tables_[table].unique_sets();
  const EntityBits a = some_row(table);
  const EntityBits b = some_row(table);
  if (sets.empty() || a == b) return;
  const std::vector<std::size_t>& columns = sets[random_.below(sets.size())];
  const Row row_a = plan_.draft[table].at(a);
  const Row row_b = plan_.draft[table].at(b);
  if (row_a[columns[0]] == row_b[columns[0]]) return;
  for (const std::size_t column : columns) {
    set(table, a, column, row_b[column]);
    set(table, b, column, row_a[column]);
  }
  plan_.swaps = true;
}

void Planner::take_away(std::size_t table, EntityBits entity) {
  plan_.draft[table].erase(entity);
  const auto kind = random_.chance(50) ? Operation::Kind::remove : Operation::Kind::destroy;
  plan_.operations.push_back({kind, table, entity});
}

void Planner::do_wrong(Fault fault) {
  const std::size_t table = some_table();
  const std::size_t other = (table + 1 + random_.below(tables_.size() - 1)) % tables_.size();
  const EntityBits entity = some_row(table);
  if (entity == 0) return;
  const Row& row = plan_.draft[table].at(entity);
  switch (fault) {
    case Fault::missing:
      set_wrong([](const Column& column) { return column.kind == Kind::reference; },
                [&](const Column& column) {
                  const EntityBits of_other = some_row((column.target + 1) % tables_.size());
                  return of_other != 0 && random_.chance(50) ? Cell(of_other) : Cell((*create_)());
                });
      break;
    case Fault::required:
      set_wrong(
          [](const Column& column) { return column.required; },
          [](const Column& column) { return column.kind == Kind::text ? Cell(std::string()) : Cell(std::int64_t{0}); });
      break;
    case Fault::range:
      set_wrong([](const Column& column) { return column.range.has_value(); },
                [&](const Column& column) {
                  return Cell(random_.chance(50) ? column.range->first - 1 : column.range->second + 1);
                });
      break;
    case Fault::unique: repeat_unique(); break;
    case Fault::no_row:  // the entity's row is in another table
      plan_.operations.push_back({Operation::Kind::set, other, entity, {}, 0, some_cell(other, 0, entity)});
      break;
    case Fault::row: plan_.operations.push_back({Operation::Kind::insert, table, entity, row}); break;
    case Fault::target_goes:
      for (const EntityBits target : referred_) {
        for (std::size_t at = 0; at < tables_.size(); ++at) {
          if (plan_.draft[at].contains(target)) return take_away(at, target);
        }
      }
      break;
  }
}

void Planner::set_wrong(const std::function<bool(const Column&)>& fits,
                        const std::function<Cell(const Column&)>& value) {
  for (std::size_t left = tries * 4; left != 0; --left) {
    const std::size_t table = some_table();
    const std::size_t column = random_.below(tables_[table].columns.size());
    const EntityBits entity = some_row(table);
    if (entity == 0 || !fits(tables_[table].columns[column])) continue;
    return set(table, entity, column, value(tables_[table].columns[column]));
  }
}

void Planner::repeat_unique() {
  for (std::size_t left = tries * 4; left != 0; --left) {
    const std::size_t table = some_table();
    const auto sets = tables_[table].unique_sets();
    const EntityBits a = some_row(table);
    const EntityBits b = some_row(table);
    if (sets.empty() || a == b) continue;
    for (const std::size_t column : sets[random_.below(sets.size())]) {
      set(table, a, column, plan_.draft[table].at(b)[column]);
    }
    return;
  }
}

Cell Planner::some_cell(std::size_t table, std::size_t column, EntityBits owner) {
  const Column& shape = tables_[table].columns[column];
  switch (shape.kind) {
    case Kind::text: return some_text();
    case Kind::number:
      if (!shape.range) return static_cast<std::int64_t>(random_.below(3 * rows_wanted)) - 20;
      return shape.range->first + static_cast<std::int64_t>(random_.below(
                                      static_cast<std::uint64_t>(shape.range->second - shape.range->first + 1)));
    case Kind::reference: break;
  }
  if (!shape.required && random_.chance(15)) return std::int64_t{0};
  // A row that restricts itself goes with what else it refers to.
  const std::uint64_t itself = shape.on_delete == OnDelete::restrict ? 75 : 10;
  if (shape.target == table && (plan_.draft[table].empty() || random_.chance(itself))) return owner;
  return some_row(shape.target);
}

std::optional<Cell> Planner::right_cell(std::size_t table, std::size_t column, EntityBits owner, Row row) {
  const Column& shape = tables_[table].columns[column];
  for (std::size_t left = tries; left != 0; --left) {
    row[column] = some_cell(table, column, owner);
    const bool lacks =
        shape.kind == Kind::text ? std::get<std::string>(row[column]).empty() : bits_of(row[column]) == 0;
    if (shape.required && lacks) continue;
    if (is_free(table, row, owner, column)) return row[column];
  }
  return std::nullopt;
}

bool Planner::is_free(std::size_t table, const Row& row, EntityBits owner, std::optional<std::size_t> column) const {
  for (const auto& columns : tables_[table].unique_sets()) {
    if (column && std::find(columns.begin(), columns.end(), *column) == columns.end()) continue;
    for (const auto& [entity, other] : plan_.draft[table]) {
      if (entity != owner && collide(tables_[table], columns, row, other)) return false;
    }
  }
  return true;
}

bool Planner::is_held(std::size_t table, EntityBits entity) const {
  for (std::size_t at = 0; at < tables_.size(); ++at) {
    for (std::size_t column = 0; column < tables_[at].columns.size(); ++column) {
      const Column& shape = tables_[at].columns[column];
      if (shape.kind != Kind::reference || shape.target != table || shape.on_delete != OnDelete::restrict) continue;
      for (const auto& [other, row] : plan_.draft[at]) {
        if (other != entity && bits_of(row[column]) == entity) return true;
      }
    }
  }
  return false;
}

EntityBits Planner::some_row(std::size_t table) {
  const auto& rows = plan_.draft[table];
  if (rows.empty()) return 0;
  return std::next(rows.begin(), static_cast<std::ptrdiff_t>(random_.below(rows.size())))->first;
}

std::size_t Planner::some_table() {
  for (std::size_t left = tries; left != 0; --left) {
    const std::size_t table = random_.below(tables_.size());
    if (!plan_.draft[table].empty()) return table;
  }
  return 0;
}

// Short ones and long ones, with long beginnings and ends in common.
std::string Planner::some_text() {
  const std::string number = std::to_string(random_.below(2 * rows_wanted));
  switch (random_.below(5)) {
    case 0: return number;
    case 1: return "of twelve  " + number.substr(0, 1);
    case 2: return "a text that is longer than a cell has room for, number " + number;
    case 3: return number + " is what this text, which is as long, begins with";
    default: return random_.chance(20) ? std::string() : "t" + number;
  }
}

}  // namespace stoa::test::histories
