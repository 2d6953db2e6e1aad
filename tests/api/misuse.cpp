// Programs that must not compile: each says why, in words of stoa's. CMakeLists.txt compiles this file once for each
// case, and once without any, which must compile.
#include <stoa/stoa.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

struct Position {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Position, (), (x, y))
struct Velocity {
  float x, y;
};
BOOST_DESCRIBE_STRUCT(Velocity, (), (x, y))
struct Active {};
BOOST_DESCRIBE_STRUCT(Active, (), ())
struct Partly {
  float seen, unseen;
};
BOOST_DESCRIBE_STRUCT(Partly, (), (seen))
struct Undescribed {
  float x;
};
struct Owner {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Owner, (), (name))
struct Wide {
  long double value;
};
BOOST_DESCRIBE_STRUCT(Wide, (), (value))
struct Grid {
  std::array<std::array<int, 2>, 2> cells;
};
BOOST_DESCRIBE_STRUCT(Grid, (), (cells))
struct Base {
  int id;
};
BOOST_DESCRIBE_STRUCT(Base, (), (id))
struct Derived : Base {
  int more;
};
BOOST_DESCRIBE_STRUCT(Derived, (Base), (more))

struct Inventory {
  std::vector<int> items;
};
template <>
struct stoa::Codec<Inventory> {
  static void encode(const Inventory& inventory, Encoder& encoder) { encoder.write(inventory.items); }
  static std::expected<Inventory, Error> decode(Decoder& decoder) {
    auto items = decoder.read<std::vector<int>>();
    if (!items) return std::unexpected(items.error());
    return Inventory{std::move(*items)};
  }
};

void use(stoa::Schema& schema, stoa::Transaction& tx, stoa::Writer& writer, stoa::Snapshot& snapshot, stoa::Entity e) {
#if defined(STOA_MISUSE_ROW_TWICE)
  writer.each<Position, Position>([](stoa::Entity, Position&, Position&) {});
#elif defined(STOA_MISUSE_ROW_TWICE_CONST)
  writer.each<Position, const Position>([](stoa::Entity, Position&, const Position&) {});
#elif defined(STOA_MISUSE_EACH_ENCODED)
  writer.each<Inventory>([](stoa::Entity, Inventory&) {});
#elif defined(STOA_MISUSE_VIEW_ENCODED)
  for (auto [entity, inventory] : snapshot.view<Inventory>()) (void)inventory;
#elif defined(STOA_MISUSE_GET_ENCODED)
  (void)snapshot.get<Inventory>(e);
#elif defined(STOA_MISUSE_COLUMN_ENCODED)
  for (auto chunk : snapshot.chunks<Inventory>()) (void)chunk.column<Inventory>();
#elif defined(STOA_MISUSE_SET_ENCODED)
  tx.set<&Inventory::items>(e, {});
#elif defined(STOA_MISUSE_COLUMN_NOT_ASKED)
  for (auto chunk : snapshot.chunks<Position>()) (void)chunk.column<Velocity>();
#elif defined(STOA_MISUSE_COLUMN_OF_TAG)
  for (auto chunk : snapshot.chunks<Active>()) (void)chunk.column<Active>();
#elif defined(STOA_MISUSE_MEMBER_NOT_DESCRIBED)
  tx.set<&Partly::unseen>(e, 1.F);
#elif defined(STOA_MISUSE_STRUCT_NOT_DESCRIBED)
  tx.set<&Undescribed::x>(e, 1.F);
#elif defined(STOA_MISUSE_ROW_THAT_OWNS)
  schema.table<Owner>("owner");
#elif defined(STOA_MISUSE_FIELD_OF_NO_TYPE)
  schema.table<Wide>("wide");
#elif defined(STOA_MISUSE_ARRAY_OF_ARRAYS)
  schema.table<Grid>("grid");
#elif defined(STOA_MISUSE_ENCODE_DERIVED)
  stoa::Encoder().write(Derived{});
#else
  schema.table<Position>("position");
  tx.set<&Partly::seen>(e, 1.F).insert(e, Inventory{});
  writer.each<Position, const Velocity>([](stoa::Entity, Position&, const Velocity&) {});
  (void)snapshot.decode<Inventory>(e);
#endif
}
