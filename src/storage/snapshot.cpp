#include <stoa/detail/snapshot_access.h>
#include <stoa/snapshot.h>

#include "base/hash.h"
#include "schema/row_bytes.h"
#include "schema/row_codec.h"
#include "schema/rule_name.h"
#include "storage/derive_keys.h"
#include "storage/index_lookup.h"

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace stoa {
namespace {

std::expected<const TableModel*, Error> find_table(const CompiledSchema& schema, std::string_view name) {
  if (const TableModel* table = schema.model().find(name)) return table;
  return std::unexpected(Error::not_found("table " + std::string(name)));
}

/// A field of a table, by their names.
struct FieldFound {
  const SchemaModel* schema;
  const TableModel* table;
  const FieldModel* field;

  [[nodiscard]] std::string name() const { return table->name + "." + field->name; }
};

std::expected<FieldFound, Error> find_field(const CompiledSchema& schema, std::string_view table,
                                            std::string_view field) {
  const auto model = find_table(schema, table);
  if (!model) return std::unexpected(model.error());
  const FieldModel* found = (*model)->find(field);
  if (found == nullptr) return std::unexpected(Error::not_found((*model)->name + "." + std::string(field)));
  return FieldFound{&schema.model(), *model, found};
}

/// The same, with the index that has its values in order.
struct OrderFound : FieldFound {
  detail::OrderedIndex index;
};

std::expected<OrderFound, Error> find_order(const detail::WorldInfo& world, std::string_view table,
                                            std::string_view field) {
  const auto found = find_field(*world.schema, table, field);
  if (!found) return std::unexpected(found.error());
  const auto number = storage::find_ordered_index(world, found->table->number, found->field->number);
  if (!number) {
    return std::unexpected(Error::invalid(found->name() + " has no ordered index: the schema does not ask for one"));
  }
  return OrderFound{*found, {*number, found->field}};
}

/// A row that has the value in the field, and zeros. A text of it borrows the value's.
std::expected<std::vector<std::byte>, Error> row_with(const FieldFound& found, const Value& value) {
  std::vector<std::byte> row(found.table->bytes);
  if (auto set = schema::set_field(*found.schema, *found.table, *found.field, row.data(), value); !set) {
    return std::unexpected(set.error());
  }
  return row;
}

// A sum over rows, so that their order and place do not matter.
class StateSum {
 public:
  void add(const Hash128& hash) {
    low_ += hash[0];
    high_ += hash[1] + (low_ < hash[0] ? 1 : 0);
  }
  [[nodiscard]] Hash128 value() const { return {low_, high_}; }

 private:
  std::uint64_t low_ = 0;
  std::uint64_t high_ = 0;
};

}  // namespace

void detail::throw_moved_from_snapshot() { throw std::logic_error("stoa: a snapshot that was moved from is used"); }

Snapshot Snapshot::clone() const {
  const detail::Root& held = root();
  void* copy = nullptr;
  home_->clone_pin(slot_, copy);
  return {*home_, held, copy};
}

std::expected<Entity, Error> Snapshot::find(std::string_view table, std::string_view field, const Value& value) const {
  const auto found = find_field(schema(), table, field);
  if (!found) return std::unexpected(found.error());
  const auto index = storage::find_unique_index(*root().world, found->table->number, found->field->number);
  if (!index) return std::unexpected(Error::invalid(found->name() + " is not unique"));
  const auto row = row_with(*found, value);
  if (!row) return std::unexpected(row.error());
  return storage::find_holder(root(), *index, row->data());
}

std::expected<IndexRange, Error> Snapshot::range(std::string_view table, std::string_view field, const Value& low,
                                                 const Value& high) const {
  const auto found = find_order(*root().world, table, field);
  if (!found) return std::unexpected(found.error());
  const auto low_row = row_with(*found, low);
  if (!low_row) return std::unexpected(low_row.error());
  const auto high_row = row_with(*found, high);
  if (!high_row) return std::unexpected(high_row.error());
  const std::uint32_t offset = found->field->offset;
  const auto [begin, end] =
      detail::places_between(root(), found->index, low_row->data() + offset, high_row->data() + offset);
  return IndexRange(begin, end);
}

std::expected<IndexRange, Error> Snapshot::referrers(std::string_view table, std::string_view field,
                                                     Entity target) const {
  return range(table, field, target, target);
}

std::expected<IndexCursor, Error> Snapshot::cursor(std::string_view table, std::string_view field) const {
  const auto found = find_order(*root().world, table, field);
  if (!found) return std::unexpected(found.error());
  return IndexCursor(detail::first_place(root(), found->index));
}

std::expected<IndexCursor, Error> Snapshot::cursor(std::string_view table, std::string_view field, const Value& value,
                                                   Entity from) const {
  const auto found = find_order(*root().world, table, field);
  if (!found) return std::unexpected(found.error());
  const auto row = row_with(*found, value);
  if (!row) return std::unexpected(row.error());
  return IndexCursor(detail::place_not_below(root(), found->index, row->data() + found->field->offset, from));
}

std::expected<RowView, Error> Snapshot::row(std::string_view table, Entity entity) const {
  const auto model = find_table(schema(), table);
  if (!model) return std::unexpected(model.error());
  const std::byte* row = detail::find_row(root(), (*model)->number, entity);
  if (row == nullptr) {
    return std::unexpected(Error::not_found("a row of " + (*model)->name + " for entity " +
                                            std::to_string(entity.index()) + ":" +
                                            std::to_string(entity.generation())));
  }
  return RowView(schema(), **model, row);
}

std::expected<bool, Error> Snapshot::has(std::string_view table, Entity entity) const {
  const auto model = find_table(schema(), table);
  if (!model) return std::unexpected(model.error());
  return detail::find_row(root(), (*model)->number, entity) != nullptr;
}

std::expected<std::size_t, Error> Snapshot::count(std::string_view table) const {
  const auto model = find_table(schema(), table);
  if (!model) return std::unexpected(model.error());
  const std::array terms{detail::Term{(*model)->number, detail::Term::Need::row}};
  return detail::QueryCursor(root(), terms).count();
}

std::expected<void, Error> Snapshot::each(std::string_view table,
                                          const std::function<void(Entity, const RowView&)>& function) const {
  const auto model = find_table(schema(), table);
  if (!model) return std::unexpected(model.error());
  const std::array terms{detail::Term{(*model)->number, detail::Term::Need::row}};
  detail::QueryCursor cursor(root(), terms);
  detail::Block block;
  const std::byte* column = nullptr;
  while (cursor.next(block, &column)) {
    for (std::uint32_t row = 0; row < block.rows; ++row) {
      function(block.entities[row], RowView(schema(), **model, column + std::size_t{row} * (*model)->bytes));
    }
  }
  return {};
}

std::vector<std::string_view> Snapshot::tables(Entity entity) const {
  std::vector<std::string_view> out;
  if (!alive(entity)) return out;
  for (const TableModel& table : schema().model().tables) {
    if (detail::find_row(root(), table.number, entity) != nullptr) out.emplace_back(table.name);
  }
  return out;
}

std::vector<Archetype> Snapshot::archetypes() const {
  std::vector<Archetype> out;
  std::uint32_t number = 0;
  for (const detail::ChunkStore* store; (store = detail::next_archetype(root(), number)) != nullptr; ++number) {
    Archetype& archetype = out.emplace_back(Archetype{{}, store->rows, store->shape->chunk_rows()});
    for (TableId table : store->shape->tables) archetype.tables.emplace_back(schema().model().table(table).name);
  }
  return out;
}

std::vector<std::string> Snapshot::wrong_indexes() const {
  std::vector<std::string> out;
  const detail::WorldInfo& world = *root().world;
  for (std::uint32_t number = 0; number != world.indexes.size(); ++number) {
    if (!storage::is_as_derived(root(), number))
      out.push_back(schema::rule_name(world.model(world.indexes[number].table), world.indexes[number].fields));
  }
  return out;
}

std::array<std::uint64_t, 2> Snapshot::state_hash() const {
  StateSum sum;
  std::vector<std::byte> bytes;
  // Entities without rows count too: each one is a row of no table.
  std::uint32_t number = 0;
  for (const detail::ChunkStore* store; (store = detail::next_archetype(root(), number)) != nullptr; ++number) {
    for (std::uint32_t chunk = 0; chunk < store->chunk_count(); ++chunk) {
      for (Entity entity : store->entities(chunk)) {
        const std::uint64_t bits = entity.bits();
        sum.add(hash128(std::as_bytes(std::span(&bits, 1))));
      }
    }
  }
  for (const TableModel& table : schema().model().tables) {
    const std::array terms{detail::Term{table.number, detail::Term::Need::row}};
    detail::QueryCursor cursor(root(), terms);
    detail::Block block;
    const std::byte* column = nullptr;
    const schema::RowBytes row_bytes(table);
    while (cursor.next(block, &column)) {
      for (std::uint32_t row = 0; row < block.rows; ++row) {
        const std::array<std::uint64_t, 2> whose{to_index(table.number), block.entities[row].bits()};
        const auto head = std::as_bytes(std::span(whose));
        bytes.assign(head.begin(), head.end());
        row_bytes.encode(row_bytes.all(), column + std::size_t{row} * table.bytes, bytes);
        sum.add(hash128(bytes));
      }
    }
  }
  return sum.value();
}

}  // namespace stoa
