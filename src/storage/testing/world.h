// For tests: a schema that has every kind of table that storage treats differently, and the world over it. It knows
// nothing of what the tables are filled with.
#pragma once

#include "storage/world_info.h"

#include <stoa/detail/world.h>
#include <stoa/schema.h>

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

namespace stoa::storage::test {

struct Position {  // dense, plain
  double x, y, z;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y, z))

struct Health {  // dense, padded
  std::uint8_t armour;
  std::uint32_t points;
  std::int16_t shield;
};
BOOST_DESCRIBE_STRUCT(Health, (), (armour, points, shield))

struct Name {  // dense, texts, a key, ordered indexes of a number and of a text
  Text name;
  std::int32_t rank;
  Text note;
};
BOOST_DESCRIBE_STRUCT(Name, (), (name, rank, note))

struct Terrain {  // dense, a chunk of it has few rows
  std::array<std::uint64_t, 260> tiles;
};
BOOST_DESCRIBE_STRUCT(Terrain, (), (tiles))

struct Docked {  // dense, a reference and a compound unique rule
  Entity port;
  std::uint16_t gate;
};
BOOST_DESCRIBE_STRUCT(Docked, (), (port, gate))

struct Active {};  // dense tag
BOOST_DESCRIBE_STRUCT(Active, (), ())

struct Label {  // sparse, text with an ordered index, a unique number
  Text text;
  std::int32_t number;
};
BOOST_DESCRIBE_STRUCT(Label, (), (text, number))

struct Follows {  // sparse, a reference to any entity
  Entity leader;
};
BOOST_DESCRIBE_STRUCT(Follows, (), (leader))

struct Selected {};  // sparse tag
BOOST_DESCRIBE_STRUCT(Selected, (), ())

[[nodiscard]] inline std::shared_ptr<const CompiledSchema> make_schema() {
  Schema schema("storage_test");
  schema.table<Position>("position");
  schema.table<Health>("health");
  schema.table<Name>("name").key<&Name::name>().index<&Name::rank>().index<&Name::note>();
  schema.table<Terrain>("terrain");
  schema.table<Docked>("docked").foreign_key<&Docked::port>("name").unique<&Docked::port, &Docked::gate>();
  schema.table<Active>("active");
  schema.table<Label>("label").sparse().unique<&Label::number>().index<&Label::text>();
  schema.table<Follows>("follows").sparse().reference<&Follows::leader>(OnDelete::set_null);
  schema.table<Selected>("selected").sparse();
  auto compiled = schema.compile();
  if (!compiled) throw std::logic_error(compiled.error().message());
  return *compiled;
}

using storage::make_world;
[[nodiscard]] inline detail::WorldInfo make_world() { return make_world(make_schema()); }

}  // namespace stoa::storage::test
