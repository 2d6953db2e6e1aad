// Where the operations of the typed API go: a transaction that records them, or the writer that applies them at once.
#pragma once

#include <stoa/detail/world.h>
#include <stoa/error.h>
#include <stoa/query.h>
#include <stoa/value.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace stoa::detail {

enum class RowOp : std::uint8_t { insert, update, upsert };

/// Rows and cells are borrowed for the call. A call that cannot be right is kept, and fails the transaction.
class OpTarget {
 public:
  virtual ~OpTarget() = default;
  OpTarget(const OpTarget&) = delete;
  OpTarget& operator=(const OpTarget&) = delete;

  /// Errors: throws std::logic_error where the schema has no table for the type.
  template <Component T>
  [[nodiscard]] TableId table_of() const {
    return table_in<T>(world());
  }
  [[nodiscard]] virtual const WorldInfo& world() const noexcept = 0;

  /// Fills `out` with new entities; null ones where there are no more, which fails the transaction.
  virtual void create(std::span<Entity> out) = 0;
  virtual void row(RowOp op, TableId table, Entity entity, const std::byte* row) = 0;
  /// Inserts a row for each entity. Requires: the rows lie one after the other.
  virtual void insert_rows(TableId table, std::span<const Entity> entities, const std::byte* rows) = 0;
  virtual void field(TableId table, Entity entity, const FieldModel& field, const std::byte* cell) = 0;
  virtual void remove(TableId table, Entity entity) = 0;
  virtual void destroy(Entity entity) = 0;
  /// Keeps the first error.
  virtual void fail(Error error) = 0;

  // By name.
  void named_row(RowOp op, std::string_view table, Entity entity, std::span<const NamedValue> fields);
  void named_field(std::string_view table, Entity entity, std::string_view field, const Value& value);
  void named_remove(std::string_view table, Entity entity);

 protected:
  OpTarget() = default;
  /// Of rows side by side, reports the first with a bool, enum or text that no field can hold; true if all are right.
  bool check(const TableModel& table, const std::byte* rows, std::size_t count = 1);

 private:
  [[nodiscard]] const TableModel* find_table(std::string_view name);
};

}  // namespace stoa::detail
