#include "fuzz/world.h"

#include "fuzz/envelope.h"
#include "fuzz/harness.h"

#include <cstring>
#include <utility>

namespace stoa::fuzz {

Schema make_schema() {
  Schema schema("fuzz");
  schema.table<Position>("position");
  schema.table<Health>("health").range<&Health::points>(0U, 1000U);
  schema.table<Name>("name").key<&Name::name>().index<&Name::rank>().index<&Name::note>();
  schema.table<Docked>("docked").foreign_key<&Docked::port>("name").unique<&Docked::port, &Docked::gate>();
  schema.table<Cargo>("cargo").foreign_key<&Cargo::owner>("docked", OnDelete::cascade);
  schema.table<Active>("active");
  schema.table<Label>("label").sparse().unique<&Label::number>().index<&Label::text>();
  schema.table<Follows>("follows").sparse().reference<&Follows::leader>(OnDelete::set_null);
  schema.table<Selected>("selected").sparse();
  schema.table<Hint>("hint").not_logged().not_replicated();
  return schema;
}

std::shared_ptr<const CompiledSchema> compiled() {
  static const std::shared_ptr<const CompiledSchema> schema = make_schema().compile().value();
  return schema;
}

Options options() {
  Options out;
  out.writer = WriterMode::manual;
  out.slab_bytes_first = out.slab_bytes_max = std::size_t{64} << 10U;
  return out;
}

Database empty_world() { return Database::in_memory(make_schema(), options()).value(); }

const std::vector<std::byte>& settled_delta() {
  static const std::vector<std::byte> bytes = [] {
    Database database = empty_world();
    settle([&](const auto& fill) {
      Transaction tx = database.begin();
      fill(tx);
      require(std::move(tx).commit().has_value(), "the world settles");
    });
    std::vector<std::byte> out = Delta::full(database.snapshot()).encode();
    blank_envelope(out);
    mend_envelope(out);
    return out;
  }();
  return bytes;
}

void read_all(const Snapshot& snapshot) {
  std::size_t rows = 0;
  for (const TableModel& table : snapshot.schema().model().tables) {
    const auto read = snapshot.each(table.name, [&](Entity entity, const RowView& row) {
      require(snapshot.alive(entity), "who has a row is alive");
      for (const FieldModel& field : table.fields) (void)row.field(field).value();
      ++rows;
    });
    require(read.has_value(), "a table can be read by its name");
    rows -= snapshot.count(table.name).value();
  }
  require(rows == 0, "a table has as many rows as it says");
  snapshot.each<Health>([](Entity, const Health& health) {
    std::uint8_t asleep = 0;  // as a bool it could not be asked
    std::memcpy(&asleep, &health.asleep, sizeof asleep);
    require(asleep <= 1, "a bool is one");
    require(health.mood == Mood::calm || health.mood == Mood::eager || health.mood == Mood::tired,
            "an enum is a variant");
  });
  require(snapshot.wrong_indexes().empty(), "the indexes are those of the rows");
}

}  // namespace stoa::fuzz
