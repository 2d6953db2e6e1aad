// Entities that refer to one another, and the oracle: what the documented rules make of them when some of them go. It
// is written the slowest way, to have nothing in common with how the database does it, and knows no database.
#pragma once

#include <stoa/schema_model.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace stoa::test::graphs {

inline constexpr std::size_t nodes_max = 4;
inline constexpr std::size_t actions = 4;  // restrict, set_null, remove, cascade
inline constexpr std::size_t slots = 4;    // fields of a row for each action

using NodeId = std::uint8_t;

/// One entity refers to another, or to itself. Which field does is a layout's to say.
struct Edge {
  NodeId from;
  NodeId to;
  OnDelete action;
};

/// What a node may have rows in.
enum class Table : std::uint8_t { node, link };
inline constexpr std::size_t tables = 2;

/// What a reference is to: an entity as such, or its row in a table.
enum class Aim : std::uint8_t { entity, node, link };

/// An edge with the field that it is in.
struct Reference {
  NodeId from;
  NodeId to;
  Table table;
  std::uint8_t field;  // action * slots + slot
  Aim aim;
  friend auto operator<=>(const Reference&, const Reference&) = default;

  [[nodiscard]] OnDelete action() const { return static_cast<OnDelete>(field / slots); }
};

/// How the tables are stored and what their fields refer to.
struct Layout {
  std::string name;
  bool sparse = false;                     // the table of nodes; that of links is the other
  std::size_t rows = 1;                    // of an entity: in `node`, and with 2 in `link` too
  std::array<Aim, tables * slots> aims{};  // table * slots + slot; the same for every action

  /// The schema, for rows that are entities all through.
  [[nodiscard]] std::string toml() const;
  [[nodiscard]] static std::string field_name(std::size_t field);

  /// Each edge in a field of its own: of those for its action the next that is free, beginning with number `first`.
  /// Requires: no two edges have the same ends.
  [[nodiscard]] std::vector<Reference> wire(std::span<const Edge> edges, std::size_t first) const;
};

/// What is there of the nodes of a graph.
struct Content {
  std::size_t nodes = 0;
  std::array<bool, nodes_max> alive{};
  std::array<std::array<bool, tables>, nodes_max> rows{};
  std::vector<Reference> references;  // those in rows that are there, in any order

  [[nodiscard]] static Content all(std::size_t nodes, std::size_t rows, std::vector<Reference> references);
  [[nodiscard]] bool has_row(NodeId node, Table table) const { return rows[node][static_cast<std::size_t>(table)]; }
};

/// What a transaction takes away by itself. A row that comes back in the same transaction did not go.
struct Departure {
  enum class What : std::uint8_t { entity, node_row, link_row, rows, node_row_comes_back };
  NodeId node;
  What what;
};

/// A transaction: references that it makes, and what it then takes away.
struct Change {
  std::vector<Reference> made;
  std::vector<Departure> departures;
};

struct Outcome {
  Content after;
  std::vector<Reference> restricted;  // if there are any, nothing happens
  std::vector<Reference> missing;     // likewise

  [[nodiscard]] bool refused() const { return !restricted.empty() || !missing.empty(); }
};

/// The rules: a reference in a row that the transaction itself leaves there acts if its target goes, but not if the
/// transaction made it. Then by `cascade` its entity goes, by `remove` its row, and so on until nothing more does.
/// Where the row is still there then, `set_null` makes the reference null, and `restrict` refuses the whole. One that
/// the transaction made, to what is gone then, is missing its target.
[[nodiscard]] Outcome judge(const Content& before, const Change& change);

[[nodiscard]] std::string to_text(const Content& content, const Change& change = {});

}  // namespace stoa::test::graphs
