// For tests: a world as plain maps, and the operations on it. It obeys the rules that a write buffer obeys and shares
// none of its means, so that the two can be compared.
#pragma once

#include "storage/write_buffer.h"

#include <stoa/schema_model.h>
#include <stoa/text.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace stoa::storage::test {

/// A row without pointers: the cells of its texts are zero in `bytes`, and their contents stand in `texts`, in the
/// order of TableModel::blobs.
struct Row {
  std::vector<std::byte> bytes;
  std::vector<std::string> texts;
  friend bool operator==(const Row&, const Row&) = default;
};

[[nodiscard]] inline Row read_row(const TableModel& table, const std::byte* row) {
  Row out{{row, row + table.bytes}, {}};
  for (std::uint32_t at : table.blobs) {
    detail::TextCell cell;
    std::memcpy(static_cast<void*>(&cell), row + at, sizeof cell);
    out.texts.emplace_back(cell.view());
    std::memset(out.bytes.data() + at, 0, sizeof cell);
  }
  return out;
}

/// The row as a program hands it in. Its texts borrow `row`.
[[nodiscard]] inline std::vector<std::byte> borrow(const TableModel& table, const Row& row) {
  std::vector<std::byte> out = row.bytes;
  for (std::size_t i = 0; i != table.blobs.size(); ++i) {
    const detail::TextCell cell(row.texts[i].data(), static_cast<std::uint32_t>(row.texts[i].size()));
    std::memcpy(out.data() + table.blobs[i], &cell, sizeof cell);
  }
  return out;
}

struct Operation {
  enum class Kind : std::uint8_t { create, destroy, insert, update, set_field, remove };
  Kind kind{};
  Entity entity;
  std::vector<std::pair<TableId, Row>> rows;  ///< of create and insert; of update and set_field one: the new row
  TableId table = no_table;                   ///< of remove
  FieldId field = no_field;                   ///< of set_field: what of the row is taken
};

/// A value: copies are versions of the world.
class Model {
 public:
  using Rows = std::map<TableId, Row>;

  explicit Model(const SchemaModel& schema) : schema_(&schema) {}

  [[nodiscard]] const SchemaModel& schema() const { return *schema_; }
  [[nodiscard]] const std::map<Entity, Rows>& entities() const { return entities_; }
  /// By entity index: the generation that is alive or was last. Never begun: not in the map.
  [[nodiscard]] const std::map<std::uint32_t, std::uint32_t>& generations() const { return generations_; }

  [[nodiscard]] const Row* find(TableId table, Entity entity) const {
    auto rows = entities_.find(entity);
    if (rows == entities_.end()) return nullptr;
    auto row = rows->second.find(table);
    return row == rows->second.end() ? nullptr : &row->second;
  }

  /// Writes a row that is there, past all operations: for bulk writes.
  void overwrite(TableId table, Entity entity, Row row) { entities_.at(entity).at(table) = std::move(row); }

  Outcome apply(const Operation& operation) {
    switch (operation.kind) {
      case Operation::Kind::create: return create(operation);
      case Operation::Kind::destroy: return entities_.erase(operation.entity) != 0 ? Outcome::done : Outcome::no_entity;
      case Operation::Kind::insert: return insert(operation);
      case Operation::Kind::update:
      case Operation::Kind::set_field: return write(operation);
      case Operation::Kind::remove: break;
    }
    if (find(operation.table, operation.entity) == nullptr) return missing(operation.entity);
    entities_.at(operation.entity).erase(operation.table);
    return Outcome::done;
  }

 private:
  [[nodiscard]] Outcome missing(Entity entity) const {
    return entities_.contains(entity) ? Outcome::no_row : Outcome::no_entity;
  }

  Outcome create(const Operation& operation) {
    std::uint32_t& generation = generations_[operation.entity.index()];
    if (generation >= operation.entity.generation()) return Outcome::no_entity;
    generation = operation.entity.generation();
    entities_[operation.entity].insert(operation.rows.begin(), operation.rows.end());
    return Outcome::done;
  }

  Outcome insert(const Operation& operation) {
    auto rows = entities_.find(operation.entity);
    if (rows == entities_.end()) return Outcome::no_entity;
    for (const auto& [table, row] : operation.rows) {
      if (rows->second.contains(table)) return Outcome::row_exists;
    }
    rows->second.insert(operation.rows.begin(), operation.rows.end());
    return Outcome::done;
  }

  Outcome write(const Operation& operation) {
    const auto& [table, row] = operation.rows.front();
    if (find(table, operation.entity) == nullptr) return missing(operation.entity);
    Row& now = entities_.at(operation.entity).at(table);
    if (operation.kind == Operation::Kind::update) {
      now = row;
      return Outcome::done;
    }
    const TableModel& model = schema_->table(table);
    const FieldModel& field = model.field(operation.field);
    std::memcpy(now.bytes.data() + field.offset, row.bytes.data() + field.offset, field.bytes);
    for (std::size_t i = 0; i != model.blobs.size(); ++i) {
      if (model.blobs[i] >= field.offset && model.blobs[i] < field.offset + field.bytes) now.texts[i] = row.texts[i];
    }
    return Outcome::done;
  }

  const SchemaModel* schema_;
  std::map<Entity, Rows> entities_;
  std::map<std::uint32_t, std::uint32_t> generations_;
};

/// The same operation on a write buffer.
inline Outcome perform(WriteBuffer& buffer, const Operation& operation) {
  const auto model = [&buffer](TableId table) -> const TableModel& { return buffer.world().model(table); };
  std::vector<std::vector<std::byte>> bytes;
  std::vector<RowImage> images;
  for (const auto& [table, row] : operation.rows) {
    bytes.push_back(borrow(model(table), row));
    images.push_back({table, bytes.back().data()});
  }
  switch (operation.kind) {
    case Operation::Kind::create: return buffer.create(operation.entity, images);
    case Operation::Kind::destroy: return buffer.destroy(operation.entity);
    case Operation::Kind::insert: return buffer.insert(operation.entity, images);
    case Operation::Kind::update: return buffer.update(images[0].table, operation.entity, images[0].bytes);
    case Operation::Kind::set_field: {
      const FieldModel& field = model(images[0].table).field(operation.field);
      return buffer.set_field(images[0].table, operation.entity, field, images[0].bytes + field.offset);
    }
    case Operation::Kind::remove: break;
  }
  return buffer.remove(operation.table, operation.entity);
}

}  // namespace stoa::storage::test
