// Tables with rules, as plain data that both a database and its peer are made from, and what is in them.
#pragma once

#include "random.h"

#include <stoa/schema_model.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace stoa::test::histories {

struct Column {
  enum class Kind : std::uint8_t { number, text, reference };
  std::string name;
  Kind kind{};
  bool required = false;  // a reference is not null, a text not empty
  bool unique = false;
  std::optional<std::pair<std::int64_t, std::int64_t>> range = {};
  std::size_t target = 0;  // of a reference: a table's place
  OnDelete on_delete = OnDelete::restrict;
};

struct Table {
  std::string name;
  bool sparse = false;
  std::vector<Column> columns;
  std::vector<std::vector<std::size_t>> unique_together;

  /// Every set of columns that may not repeat.
  [[nodiscard]] std::vector<std::vector<std::size_t>> unique_sets() const;
};

using Tables = std::vector<Table>;

/// Each rule at least once, several references in a row, cycles of them.
[[nodiscard]] Tables company();
/// Five tables with whatever the dice say. Rows can be put in: who is required comes before, or is a row of its own
/// table.
[[nodiscard]] Tables random_tables(Random& random);

/// A number, a text, or an entity's bits: 0 is null.
using Cell = std::variant<std::int64_t, std::string>;
using EntityBits = std::int64_t;
using Row = std::vector<Cell>;
/// By table, then by entity. An entity has a row in one table at most.
using Content = std::vector<std::map<EntityBits, Row>>;

[[nodiscard]] inline EntityBits bits_of(const Cell& cell) { return std::get<std::int64_t>(cell); }
/// A null reference among the columns collides with nothing.
[[nodiscard]] bool collide(const Table& table, const std::vector<std::size_t>& columns, const Row& a, const Row& b);
[[nodiscard]] std::string to_text(const Table& table, EntityBits entity, const Row& row);

}  // namespace stoa::test::histories
