// Random transactions that mostly can be committed: what each does to a plain copy of the tables is known at once, and
// the next operation is chosen by it. On-delete actions are no part of it.
#pragma once

#include "relations/tables.h"

#include <functional>
#include <optional>
#include <vector>

namespace stoa::test::histories {

struct Operation {
  enum class Kind : std::uint8_t { insert, update, set, remove, destroy };
  Kind kind{};
  std::size_t table = 0;
  EntityBits entity = 0;
  Row row = {};            // insert, update
  std::size_t column = 0;  // set
  Cell cell = {};          // set

  [[nodiscard]] bool takes_away() const { return kind == Kind::remove || kind == Kind::destroy; }
};

struct Plan {
  std::vector<Operation> operations;  // those that take away come last, and none of them repeats
  Content draft;                      // the tables after it, but for what follows from what went
  bool swaps = false;                 // two rows give each other unique values
};

class Planner {
 public:
  Planner(Random& random, const Tables& tables) : random_(random), tables_(tables) {}

  /// Up to 40 operations, and a few more. A new entity comes from `create`; `bare` are some that are alive without
  /// rows.
  [[nodiscard]] Plan plan(const Content& now, std::vector<EntityBits> bare, const std::function<EntityBits()>& create);

 private:
  // What may be wrong with one operation of a transaction; a later operation may put it right again.
  enum class Fault : std::uint8_t { missing, unique, required, range, no_row, row, target_goes };

  void write_something();
  void insert();
  void set(std::size_t table, EntityBits entity, std::size_t column, Cell cell);
  void swap();
  void take_away(std::size_t table, EntityBits entity);
  void do_wrong(Fault fault);
  void set_wrong(const std::function<bool(const Column&)>& fits, const std::function<Cell(const Column&)>& value);
  void repeat_unique();

  [[nodiscard]] Cell some_cell(std::size_t table, std::size_t column, EntityBits owner);
  /// One with which the row keeps the column's rules; none where none is found.
  [[nodiscard]] std::optional<Cell> right_cell(std::size_t table, std::size_t column, EntityBits owner, Row row);
  /// Whether no other row has the same unique values, or those of which `column` is one.
  [[nodiscard]] bool is_free(std::size_t table, const Row& row, EntityBits owner,
                             std::optional<std::size_t> column = std::nullopt) const;
  /// Whether another row restricts that this one goes.
  [[nodiscard]] bool is_held(std::size_t table, EntityBits entity) const;
  /// 0 where the table is empty.
  [[nodiscard]] EntityBits some_row(std::size_t table);
  /// A table that has rows, if any has.
  [[nodiscard]] std::size_t some_table();
  [[nodiscard]] std::string some_text();

  Random& random_;
  const Tables& tables_;
  Plan plan_;
  std::vector<EntityBits> bare_;
  std::vector<EntityBits> referred_;  // by this transaction
  const std::function<EntityBits()>* create_ = nullptr;
};

}  // namespace stoa::test::histories
