#include <stoa/detail/snapshot_access.h>
#include <stoa/snapshot.h>

#include "base/hash.h"
#include "schema/row_bytes.h"
#include "schema/row_codec.h"
#include "storage/unique_lookup.h"

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace stoa {
namespace {

std::expected<const TableModel*, Error> find_table(const CompiledSchema& schema, std::string_view name) {
  if (const TableModel* table = schema.model().find(name)) return table;
  return std::unexpected(Error::not_found("table " + std::string(name)));
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

Entity Snapshot::find_unique(TableId table, std::string_view field, const std::byte* cell) const {
  const TableModel& model = root().world->model(table);
  const FieldModel& wanted = *model.find(field);
  const auto index = storage::find_unique_index(*root().world, table, wanted.number);
  if (!index) {
    throw std::logic_error("stoa: find: " + model.name + "." + wanted.name + " is not unique");
  }
  // The index reads a whole row; only the one field of this one matters.
  std::vector<std::byte> row(model.bytes);
  std::memcpy(row.data() + wanted.offset, cell, wanted.bytes);
  return storage::find_holder(root(), *index, row.data());
}

std::expected<Entity, Error> Snapshot::find(std::string_view table, std::string_view field, const Value& value) const {
  const auto model = find_table(schema(), table);
  if (!model) return std::unexpected(model.error());
  const FieldModel* wanted = (*model)->find(field);
  if (wanted == nullptr) return std::unexpected(Error::not_found((*model)->name + "." + std::string(field)));
  const auto index = storage::find_unique_index(*root().world, (*model)->number, wanted->number);
  if (!index) return std::unexpected(Error::invalid((*model)->name + "." + wanted->name + " is not unique"));
  std::vector<std::byte> row((*model)->bytes);
  if (auto set = schema::set_field(schema().model(), **model, *wanted, row.data(), value); !set) {
    return std::unexpected(set.error());
  }
  return storage::find_holder(root(), *index, row.data());
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
        row_bytes.encode(column + std::size_t{row} * table.bytes, bytes);
        sum.add(hash128(bytes));
      }
    }
  }
  return sum.value();
}

}  // namespace stoa
