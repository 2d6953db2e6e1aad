// What readers hold: the whole world as it was at one version, without copies.
#pragma once

#include <stoa/codec.h>
#include <stoa/detail/column_hint.h>
#include <stoa/detail/row_finder.h>
#include <stoa/detail/world.h>
#include <stoa/index.h>
#include <stoa/query.h>
#include <stoa/row.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <expected>
#include <functional>
#include <initializer_list>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace stoa {
namespace detail {

/// What snapshots come from and go back to. It outlives them.
class SnapshotHome {
 public:
  virtual void clone_pin(void* slot, void*& copy) = 0;
  virtual void release_pin(void* slot) noexcept = 0;

 protected:
  ~SnapshotHome() = default;
};

/// How the library makes a snapshot and looks into it.
class SnapshotAccess;

[[noreturn]] void throw_moved_from_snapshot();

}  // namespace detail

/// An archetype: the entities that have rows in exactly these dense tables.
struct Archetype {
  std::vector<std::string_view> tables;  ///< dense ones, tags included, in the order of their numbers
  std::size_t entities = 0;
  std::size_t chunk_rows = 0;  ///< of a full chunk
};

/// A pinned root. Nothing in it changes for as long as it lives; every pointer, span and text read from it is valid for
/// so long. It may go to another thread and may outlive its database. A snapshot that is kept for long holds the memory
/// of what was changed since; metrics() shows how much.
///
/// Throws std::logic_error with a type that no table has, and where it was moved from.
/// Threads: reads may run on many threads at once; moving and destroying it, on one.
class Snapshot {
 public:
  Snapshot(Snapshot&& other) noexcept
      : home_(std::exchange(other.home_, nullptr)),
        root_(std::exchange(other.root_, nullptr)),
        slot_(std::exchange(other.slot_, nullptr)) {}
  Snapshot& operator=(Snapshot&& other) noexcept {
    Snapshot taken(std::move(other));  // and what this one held goes with it
    std::swap(home_, taken.home_);
    std::swap(root_, taken.root_);
    std::swap(slot_, taken.slot_);
    return *this;
  }
  ~Snapshot() {
    if (slot_ != nullptr) home_->release_pin(slot_);
  }

  /// A second one of the same root. Errors: out of memory throws std::bad_alloc.
  [[nodiscard]] Snapshot clone() const;

  /// Of the last transaction in it.
  [[nodiscard]] Version version() const { return root().version; }
  [[nodiscard]] bool alive(Entity entity) const { return detail::find_alive(root(), entity) != nullptr; }

  /// The entity's row, or nullptr where it has none or is not alive. Zero-copy.
  template <Component T>
  [[nodiscard]] const T* get(Entity entity) const {
    return detail::row_as<T>(detail::find_row_by_hint<T>(root(), entity));
  }
  /// Calls function(std::size_t i, const T*) for each entities[i], in order, as get() would answer. The cache misses of
  /// different entities overlap: several times as fast as get() where there are many entities in no order.
  template <typename T, std::ranges::contiguous_range Entities, typename Function>
  requires std::ranges::sized_range<const Entities> && std::same_as<std::ranges::range_value_t<Entities>, Entity> &&
      Component<std::remove_const_t<T>>
  void get_many(const Entities& entities, Function&& function) const {
    using Row = std::remove_const_t<T>;
    const std::span<const Entity> all(entities);
    detail::RowFinder finder(root(), detail::table_in<Row>(*root().world), all);
    for (std::size_t at = 0; at < all.size();) {
      for (const std::byte* row : finder.next()) function(at++, detail::row_as<Row>(row));
    }
  }
  template <typename T, typename Function>
  void get_many(std::initializer_list<Entity> entities, Function&& function) const {
    get_many<T>(std::span<const Entity>(entities.begin(), entities.size()), function);
  }
  /// The entity's row of a type with a Codec, decoded.
  /// Errors: not_found, if it has none; what Codec<T>::decode() answers; corrupt, if that leaves bytes over.
  template <Encoded T>
  [[nodiscard]] std::expected<T, Error> decode(Entity entity) const {
    return detail::decode_row<T>(detail::find_row(root(), detail::table_in<T>(*root().world), entity), entity);
  }
  template <Component T>
  [[nodiscard]] bool has(Entity entity) const {
    return detail::find_row(root(), detail::table_in<T>(*root().world), entity) != nullptr;
  }

  /// Entities that have rows in all of T...; without T, those alive.
  template <Component... T>
  [[nodiscard]] std::size_t count() const {
    if constexpr (sizeof...(T) == 0) {
      return root().entity_count;
    } else {
      const auto terms = detail::make_terms<T...>(*root().world);
      return detail::QueryCursor(root(), terms).count();
    }
  }

  /// Calls function(Entity, const T&...) for every entity that has rows in all of T...; for a std::optional<T>, which
  /// an entity need not have, it passes a const T* that may be null. In no order that means anything.
  template <typename... T, typename Function>
  void each(Function&& function) const {
    detail::each_row<T...>(root(), function);
  }
  /// The same as a range of tuples, with filters: view<Position>(stoa::with<Velocity>, stoa::without<Delayed>).
  template <typename... T, typename... Filter>
  [[nodiscard]] auto view(Filter... filters) const {
    const auto terms = detail::make_terms<T...>(*root().world, filters...);
    return View<terms.size(), T...>(root(), terms);
  }
  /// The same as plain arrays: a span a table for each chunk. Chunks of several dense tables are whole; where a sparse
  /// table is among several, most have a single row.
  template <Component... T>
  [[nodiscard]] Chunks<T...> chunks() const {
    return Chunks<T...>(root());
  }

  /// The entity whose unique or key field has that value; null where none has.
  /// Errors: throws std::logic_error if the field is not unique by itself.
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] Entity find(const detail::type_of_member<Member>& value) const {
    return detail::holder_of<Member>(root(), value);
  }
  /// The same by name. Errors: not_found, if there is no such table or field; invalid_argument, if the field is not
  /// unique or the value not one of its type.
  [[nodiscard]] std::expected<Entity, Error> find(std::string_view table, std::string_view field,
                                                  const Value& value) const;

  /// The entities whose field is at least `low` and at most `high`, in the order of its values; with equal ones, in
  /// the order of the entities. Numbers and enums go by value, both zeros of a float being one and a NaN in no range;
  /// texts and bytes go by their bytes, references as entities are ordered, null ones left out.
  /// Errors: throws std::logic_error if the field has no ordered index: index() makes one, and a reference or a unique
  /// number has one.
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] IndexRange range(const detail::type_of_member<Member>& low,
                                 const detail::type_of_member<Member>& high) const {
    return detail::range_of<Member>(root(), low, high);
  }
  /// The entities whose reference names `target`, in their order.
  /// Errors: as range().
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] IndexRange referrers(Entity target) const {
    return detail::referrers_of<Member>(root(), target);
  }
  /// At the first entity of the field's order; with a value, at the first whose value is not below it, and of those
  /// that have it, at the first not below `from`: to go on, in another snapshot, too, where one has stopped. The
  /// zeros of a float are two values then, -0 the lower one.
  /// Errors: as range().
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] IndexCursor cursor() const {
    return detail::cursor_of<Member>(root());
  }
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] IndexCursor cursor(const detail::type_of_member<Member>& value, Entity from = {}) const {
    return detail::cursor_of<Member>(root(), value, from);
  }
  /// The same by name. Errors: not_found, if there is no such table or field; invalid_argument, if the field has no
  /// ordered index or a value is not one of its type.
  [[nodiscard]] std::expected<IndexRange, Error> range(std::string_view table, std::string_view field, const Value& low,
                                                       const Value& high) const;
  [[nodiscard]] std::expected<IndexRange, Error> referrers(std::string_view table, std::string_view field,
                                                           Entity target) const;
  [[nodiscard]] std::expected<IndexCursor, Error> cursor(std::string_view table, std::string_view field) const;
  [[nodiscard]] std::expected<IndexCursor, Error> cursor(std::string_view table, std::string_view field,
                                                         const Value& value, Entity from = {}) const;

  /// A row of a table that is known by name only.
  /// Errors: not_found, if there is no such table or row.
  [[nodiscard]] std::expected<RowView, Error> row(std::string_view table, Entity entity) const;
  /// Whether the entity has a row there. Errors: not_found, if there is no such table.
  [[nodiscard]] std::expected<bool, Error> has(std::string_view table, Entity entity) const;
  /// Entities with a row there. Errors: not_found, if there is no such table.
  [[nodiscard]] std::expected<std::size_t, Error> count(std::string_view table) const;
  /// Calls function(Entity, const RowView&) for every row of a table. Errors: not_found, if there is no such table.
  std::expected<void, Error> each(std::string_view table,
                                  const std::function<void(Entity, const RowView&)>& function) const;

  /// The tables that the entity has a row in, in the order of their numbers; none where it is not alive.
  [[nodiscard]] std::vector<std::string_view> tables(Entity entity) const;
  /// The archetypes that have entities, and the empty ones that were not given up yet. Costs a step for each of them.
  [[nodiscard]] std::vector<Archetype> archetypes() const;

  /// Works every index out again from the rows: of each that differs, what it is of, as in "docked.port" or
  /// "docked(port, gate)". Costs a sort of each.
  /// Errors: throws std::bad_alloc.
  [[nodiscard]] std::vector<std::string> wrong_indexes() const;

  /// 128 bits of content, low word first: equal where two databases hold the same entities and rows. Walks all rows.
  [[nodiscard]] std::array<std::uint64_t, 2> state_hash() const;

  [[nodiscard]] const CompiledSchema& schema() const { return *root().world->schema; }

 private:
  friend class detail::SnapshotAccess;
  Snapshot(detail::SnapshotHome& home, const detail::Root& root, void* slot)
      : home_(&home), root_(&root), slot_(slot) {}
  [[nodiscard]] const detail::Root& root() const {
    if (root_ == nullptr) [[unlikely]]
      detail::throw_moved_from_snapshot();
    return *root_;
  }
  detail::SnapshotHome* home_;
  const detail::Root* root_;
  void* slot_;
};

}  // namespace stoa
