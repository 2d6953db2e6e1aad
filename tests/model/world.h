// The world of the model test: a table of every kind that the database treats differently, and each rule that a schema
// can have. Also the way between C++ rows and the model's, which are values without types or pointers.
#pragma once

#include <stoa/stoa.h>

#include <boost/mp11.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace stoa::test {

struct Position {  // dense, plain: written in bulk
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))

struct Velocity {  // dense, plain: written in bulk
  std::int32_t dx, dy;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (dx, dy))

struct Health {  // dense, padded, a range
  std::uint8_t armour;
  std::uint32_t points;
  std::int16_t shield;
};
BOOST_DESCRIBE_STRUCT(Health, (), (armour, points, shield))

struct Name {  // dense, texts, a key, orders of a number and of a text
  Text name;
  std::int32_t rank;
  Text note;
};
BOOST_DESCRIBE_STRUCT(Name, (), (name, rank, note))

struct Docked {  // dense, required: ends with its port; a compound unique rule
  Entity port;
  std::uint16_t gate;
};
BOOST_DESCRIBE_STRUCT(Docked, (), (port, gate))

enum class Mood : std::uint8_t { calm, eager, tired };
BOOST_DESCRIBE_ENUM(Mood, calm, eager, tired)

struct Member {  // dense: the row goes with its team
  Entity team;
  Mood mood;
};
BOOST_DESCRIBE_STRUCT(Member, (), (team, mood))

struct Owned {  // dense: its owner's health may not go
  Entity owner;
};
BOOST_DESCRIBE_STRUCT(Owned, (), (owner))

struct Branch {  // dense: ends with its parent, a row of the same table
  Entity parent;
  std::uint32_t weight;
};
BOOST_DESCRIBE_STRUCT(Branch, (), (parent, weight))

struct Active {};  // dense tag
BOOST_DESCRIBE_STRUCT(Active, (), ())

struct Label {  // sparse, text and its order, a unique number
  Text text;
  std::int32_t number;
};
BOOST_DESCRIBE_STRUCT(Label, (), (text, number))

struct Follows {  // sparse, refers to any entity and forgets it
  Entity leader;
};
BOOST_DESCRIBE_STRUCT(Follows, (), (leader))

struct Selected {};  // sparse tag
BOOST_DESCRIBE_STRUCT(Selected, (), ())

struct Crew {  // sparse: a reference for each action, one of them to a row that itself goes with another
  Entity ship, captain, mate, rival;
};
BOOST_DESCRIBE_STRUCT(Crew, (), (ship, captain, mate, rival))

struct Glimpse {  // dense, plain: not in the log
  std::uint32_t count;
};
BOOST_DESCRIBE_STRUCT(Glimpse, (), (count))

using Tables = boost::mp11::mp_list<Position, Velocity, Health, Name, Docked, Member, Owned, Branch, Active, Label,
                                    Follows, Selected, Crew, Glimpse>;

[[nodiscard]] inline Schema make_schema() {
  Schema schema("model_test");
  schema.table<Position>("position");
  schema.table<Velocity>("velocity");
  schema.table<Health>("health").range<&Health::points>(0, 50);
  schema.table<Name>("name").key<&Name::name>().index<&Name::rank>().index<&Name::note>();
  schema.table<Docked>("docked")
      .foreign_key<&Docked::port>("name", OnDelete::cascade)
      .required<&Docked::port>()
      .unique<&Docked::port, &Docked::gate>()
      .index<&Docked::gate>();
  schema.table<Member>("member").foreign_key<&Member::team>("name", OnDelete::remove).index<&Member::mood>();
  schema.table<Owned>("owned").foreign_key<&Owned::owner>("health");
  schema.table<Branch>("branch").foreign_key<&Branch::parent>("branch", OnDelete::cascade);
  schema.table<Active>("active");
  schema.table<Label>("label").sparse().unique<&Label::number>().index<&Label::text>();
  schema.table<Follows>("follows").sparse().reference<&Follows::leader>(OnDelete::set_null);
  schema.table<Selected>("selected").sparse();
  schema.table<Crew>("crew")
      .sparse()
      .foreign_key<&Crew::ship>("member", OnDelete::remove)
      .foreign_key<&Crew::captain>("name", OnDelete::cascade)
      .foreign_key<&Crew::mate>("position", OnDelete::set_null)
      .foreign_key<&Crew::rival>("crew");
  schema.table<Glimpse>("glimpse").not_logged();
  return schema;
}

/// A row's fields in the order of its struct; texts by content, enums by number.
using Row = std::vector<Value>;

/// Calls function(member descriptor, index) for every member of T.
template <typename T, typename Function>
void for_each_member(Function&& function) {
  std::size_t index = 0;
  boost::mp11::mp_for_each<boost::describe::describe_members<T, boost::describe::mod_public>>(
      [&](auto member) { function(member, index++); });
}

template <typename T>
[[nodiscard]] Row to_row(const T& row) {
  Row out;
  for_each_member<T>([&](auto member, std::size_t) { out.emplace_back(row.*member.pointer); });
  return out;
}

template <typename M>
void from_value(const Value& value, M& out) {
  if constexpr (std::is_same_v<M, Text>) {
    out = Text(std::get<std::string>(value.variant()));
  } else if constexpr (std::is_same_v<M, Entity>) {
    out = std::get<Entity>(value.variant());
  } else if constexpr (std::is_floating_point_v<M>) {
    out = static_cast<M>(std::get<double>(value.variant()));
  } else if constexpr (std::is_signed_v<M>) {
    out = static_cast<M>(std::get<std::int64_t>(value.variant()));
  } else {
    out = static_cast<M>(std::get<std::uint64_t>(value.variant()));
  }
}

/// Lifetime: the texts borrow `row`.
template <typename T>
[[nodiscard]] T from_row(const Row& row) {
  T out{};
  for_each_member<T>([&](auto member, std::size_t index) { from_value(row[index], out.*member.pointer); });
  return out;
}

/// Calls function(std::type_identity<T>) for the C++ type of a table.
template <typename Function>
void with_type(const CompiledSchema& schema, TableId table, Function&& function) {
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Tables>>([&](auto type) {
    if (schema.table_of<typename decltype(type)::type>() == table) function(type);
  });
}

}  // namespace stoa::test
