// The operations that Transaction and Writer have in common, typed and by name. No state: each checks its types and
// hands bytes on.
#pragma once

#include <stoa/codec.h>
#include <stoa/detail/op_target.h>

#include <concepts>
#include <initializer_list>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace stoa {

/// Self has target(), an OpTarget&. A call returns Self, so that calls chain; a call that cannot be right is kept and
/// fails the commit, and what an operation meets in the world (no such row, …) fails it when it is applied.
template <typename Self>
class Operations {
 public:
  /// A new entity's id, begun by the commit: not to be kept before. Null if too much is recorded, or no id is left.
  [[nodiscard]] Entity create() {
    Entity out;
    target().create({&out, 1});
    return out;
  }
  /// Many at once. A transaction that inserts rows for the same entities right after, a table at a time, begins them
  /// with these rows in place, and costs a part of what it does one by one.
  [[nodiscard]] std::vector<Entity> create(std::size_t count) {
    std::vector<Entity> out(count);
    target().create(out);
    return out;
  }

  /// Errors of the commit: already_exists; not_found, if the entity is not alive.
  template <Component T>
  Self& insert(Entity entity, const T& row) {
    return put(detail::RowOp::insert, entity, row);
  }
  /// A row for each entity. Requires: as many rows as entities; throws std::logic_error otherwise.
  template <std::ranges::contiguous_range Entities, std::ranges::contiguous_range Rows>
  requires std::same_as<std::ranges::range_value_t<Entities>, Entity> && Component<std::ranges::range_value_t<Rows>>
      Self& insert(const Entities& entities, const Rows& rows) {
    using T = std::ranges::range_value_t<Rows>;
    if (std::ranges::size(entities) != std::ranges::size(rows)) {
      throw std::logic_error("stoa: insert: the numbers of entities and of rows differ");
    }
    const TableId table = target().template table_of<T>();
    if constexpr (Encoded<T>) {
      const Entity* entity = std::ranges::data(entities);
      for (const T& row : rows) {
        target().row(detail::RowOp::insert, table, *entity++, detail::RowSource<T>(row).bytes());
      }
    } else {
      const std::span<const Entity> all(std::ranges::data(entities), std::ranges::size(entities));
      target().insert_rows(table, all, reinterpret_cast<const std::byte*>(std::ranges::data(rows)));
    }
    return self();
  }
  /// Errors of the commit: not_found.
  template <Component T>
  Self& update(Entity entity, const T& row) {
    return put(detail::RowOp::update, entity, row);
  }
  /// Insert or update, as it is needed.
  template <Component T>
  Self& upsert(Entity entity, const T& row) {
    return put(detail::RowOp::upsert, entity, row);
  }
  /// One field: set<&Position::x>(entity, 9.f). Errors of the commit: not_found.
  template <auto Member, typename Row = detail::class_of_member<Member>>
  Self& set(Entity entity, const detail::type_of_member<Member>& value) {
    static_assert(Component<Row>, "stoa: the member's struct is not described: BOOST_DESCRIBE_STRUCT");
    static_assert(!Encoded<Row>, "stoa: rows of a type with a Codec are written whole");
    const TableId table = target().template table_of<Row>();
    const FieldModel& field = *target().world().model(table).find(field_name<Member>());
    target().field(table, entity, field, reinterpret_cast<const std::byte*>(&value));
    return self();
  }
  /// Errors of the commit: not_found.
  template <Component T>
  Self& remove(Entity entity) {
    target().remove(target().template table_of<T>(), entity);
    return self();
  }
  /// Ends the entity and all its rows. Errors of the commit: not_found.
  Self& destroy(Entity entity) {
    target().destroy(entity);
    return self();
  }

  // Tables by name. Fields that are not named get their defaults in an insert, and stay as they are in an update. An
  // upsert writes the whole row: also where there is one, fields that are not named get their defaults.
  Self& insert(std::string_view table, Entity entity, std::initializer_list<NamedValue> fields) {
    return insert(table, entity, std::span<const NamedValue>(fields));
  }
  Self& insert(std::string_view table, Entity entity, std::span<const NamedValue> fields) {
    target().named_row(detail::RowOp::insert, table, entity, fields);
    return self();
  }
  Self& update(std::string_view table, Entity entity, std::initializer_list<NamedValue> fields) {
    return update(table, entity, std::span<const NamedValue>(fields));
  }
  Self& update(std::string_view table, Entity entity, std::span<const NamedValue> fields) {
    for (const NamedValue& field : fields) target().named_field(table, entity, field.name, field.value);
    return self();
  }
  Self& upsert(std::string_view table, Entity entity, std::initializer_list<NamedValue> fields) {
    return upsert(table, entity, std::span<const NamedValue>(fields));
  }
  Self& upsert(std::string_view table, Entity entity, std::span<const NamedValue> fields) {
    target().named_row(detail::RowOp::upsert, table, entity, fields);
    return self();
  }
  Self& set(std::string_view table, Entity entity, std::string_view field, const Value& value) {
    target().named_field(table, entity, field, value);
    return self();
  }
  Self& remove(std::string_view table, Entity entity) {
    target().named_remove(table, entity);
    return self();
  }

 private:
  friend Self;
  Operations() = default;  // only as the base of Self

  template <Component T>
  Self& put(detail::RowOp op, Entity entity, const T& row) {
    target().row(op, target().template table_of<T>(), entity, detail::RowSource<T>(row).bytes());
    return self();
  }
  Self& self() { return static_cast<Self&>(*this); }
  detail::OpTarget& target() { return self().target(); }
};

}  // namespace stoa
