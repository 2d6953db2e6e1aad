// The writer's own view of the world, for a function that runs on it: reads see its writes.
#pragma once

#include <stoa/index.h>
#include <stoa/operations.h>
#include <stoa/query.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

namespace stoa {
namespace detail {

/// What a Writer stands on: operations that apply at once, and columns that open for writing in bulk.
class WriterCore : public OpTarget {
 public:
  /// With all that was asked for so far, but during a walk.
  [[nodiscard]] virtual const Root& root() = 0;
  /// The same, and its indexes follow its rows.
  [[nodiscard]] virtual const Root& indexed_root() = 0;

  /// Between these two, operations wait: rows must not move under a walk. close_walk() applies them.
  virtual void open_walk() = 0;
  virtual void close_walk() = 0;
  /// Whether the table's cells may be handed out for writing: no texts, no rules to keep.
  [[nodiscard]] virtual bool writable_in_bulk(TableId table) const noexcept = 0;
  /// A column of a chunk as a private copy; close_columns() puts the old page back if it was not changed. Columns that
  /// are open when a walk ends early are closed with it.
  [[nodiscard]] virtual std::byte* open_column(const Block& block, TableId table) = 0;
  virtual void close_columns() = 0;
  /// Whether there is more to do, before work that records so many bytes: false once the deadline has passed, or the
  /// transaction is too large.
  [[nodiscard]] virtual bool goes_on(std::size_t bytes) = 0;
  /// Writes a row during a walk: an update that moves nothing.
  virtual void update_in_walk(TableId table, Entity entity, const std::byte* row) = 0;
};

/// Closes a walk also where the callback throws.
class Walk {
 public:
  explicit Walk(WriterCore& core) : core_(core) { core_.open_walk(); }
  ~Walk() { core_.close_walk(); }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

 private:
  WriterCore& core_;
};

template <typename T>
inline constexpr bool is_mutable_row = !std::is_const_v<T> && !std::is_empty_v<T>;
template <typename T>
inline constexpr bool is_mutable_row<std::optional<T>> = false;  // it may not be there: handed out as const T*

template <typename...>
inline constexpr bool are_distinct = true;
template <typename First, typename... Rest>
inline constexpr bool are_distinct<First, Rest...> = (!std::is_same_v<First, Rest> && ...) && are_distinct<Rest...>;

/// A row of a table whose cells are not handed out: the callback changes a copy, which is then written as an update.
template <typename T>
struct CheckedRow {
  T copy;
  const std::byte* original;
};

}  // namespace detail

/// Handed to the function of Database::write(). Operations apply at once, and get() sees them. An operation that cannot
/// be done (no such row, …) is kept, does nothing, and fails the transaction in the end, whatever the function returns.
/// Once the deadline has passed, or the transaction is larger than Options::transaction_bytes_max, no operation does
/// anything, create() returns null ids and each() ends, with the rows at the latest that lie together.
///
/// Threads: the function's own call only.
class Writer : public Operations<Writer> {
 public:
  explicit Writer(detail::WriterCore& core) : core_(&core) {}

  /// Valid until the next write.
  template <Component T>
  [[nodiscard]] const T* get(Entity entity) const {
    return detail::row_as<T>(detail::find_row(core_->root(), core_->table_of<T>(), entity));
  }
  /// As Snapshot::decode().
  template <Encoded T>
  [[nodiscard]] std::expected<T, Error> decode(Entity entity) const {
    return detail::decode_row<T>(detail::find_row(core_->root(), core_->table_of<T>(), entity), entity);
  }
  template <Component T>
  [[nodiscard]] bool has(Entity entity) const {
    return detail::find_row(core_->root(), core_->table_of<T>(), entity) != nullptr;
  }
  [[nodiscard]] bool alive(Entity entity) const { return detail::find_alive(core_->root(), entity) != nullptr; }
  template <Component... T>
  [[nodiscard]] std::size_t count() const {
    const auto terms = detail::make_terms<T...>(*core_->root().world);
    return detail::QueryCursor(core_->root(), terms).count();
  }

  /// As of a snapshot; a range and a cursor are valid until the next write.
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] Entity find(const detail::type_of_member<Member>& value) const {
    return detail::holder_of<Member>(core_->indexed_root(), value);
  }
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] IndexRange range(const detail::type_of_member<Member>& low,
                                 const detail::type_of_member<Member>& high) const {
    return detail::range_of<Member>(core_->indexed_root(), low, high);
  }
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] IndexRange referrers(Entity target) const {
    return detail::referrers_of<Member>(core_->indexed_root(), target);
  }

  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] IndexCursor cursor() const {
    return detail::cursor_of<Member>(core_->indexed_root());
  }
  template <auto Member, typename Row = detail::class_of_member<Member>>
  [[nodiscard]] IndexCursor cursor(const detail::type_of_member<Member>& value, Entity from = {}) const {
    return detail::cursor_of<Member>(core_->indexed_root(), value, from);
  }

  /// Calls function(Entity, T&...) for every entity that has rows in all of T...; `const T` for rows that it only
  /// reads, std::optional<T> for `const T*` that may be null. Rows of dense tables of plain numbers are changed in
  /// place. Where a table is sparse, has a rule, or has texts, references, bools, enums or padding, the function
  /// changes a copy of the row, which is written with all checks once the function has returned, and get() has the old
  /// row until then: a string that it put into a Text must still be there. Operations in the function wait until the
  /// walk is over; get() does not see them before.
  /// Errors: throws std::logic_error if called within an each().
  template <typename... T, typename Function>
  void each(Function&& function) {
    static_assert(detail::are_distinct<typename detail::TermTraits<T>::Row...>,
                  "stoa: a row cannot be handed to the function twice");
    static_assert((!Encoded<typename detail::TermTraits<T>::Row> && ...),
                  "stoa: rows of a type with a Codec have no address as that type: use decode() and update()");
    const auto terms = detail::make_terms<T...>(*core_->root().world);
    const detail::Walk walk(*core_);
    detail::QueryCursor cursor(core_->root(), terms);
    detail::Block block;
    detail::Columns<T...> columns;
    while (cursor.next(block, columns.rows.data(), columns.ahead.data()) && core_->goes_on(0)) {
      if (block.whole_chunk && bulk<T...>(terms, std::index_sequence_for<T...>())) {
        each_in_bulk(block, terms, columns, std::index_sequence_for<T...>(), function);
      } else {
        each_checked(block, terms, columns, std::index_sequence_for<T...>(), function);
      }
    }
  }

 private:
  friend class Operations<Writer>;
  [[nodiscard]] detail::OpTarget& target() { return *core_; }

  template <typename... T, std::size_t N, std::size_t... I>
  [[nodiscard]] bool bulk(const std::array<detail::Term, N>& terms, std::index_sequence<I...>) const {
    return ((!detail::is_mutable_row<T> || core_->writable_in_bulk(terms[I].table)) && ...);
  }

  template <typename T>
  static decltype(auto) row_at(std::byte* column, std::size_t row) {
    if constexpr (detail::is_mutable_row<T>) {
      return reinterpret_cast<T*>(column)[row];
    } else {
      return detail::TermTraits<T>::at(column, row);
    }
  }

  template <typename... T, std::size_t N, std::size_t... I, typename Function>
  void each_in_bulk(const detail::Block& block, const std::array<detail::Term, N>& terms,
                    const detail::Columns<T...>& columns, std::index_sequence<I...>, Function& function) {
    const std::tuple bases{(detail::is_mutable_row<T> ? core_->open_column(block, terms[I].table)
                                                      : const_cast<std::byte*>(columns.rows[I]))...};
    const std::tuple ahead{columns.ahead[I]...};
    const Entity* const entities = block.entities;
    const std::uint32_t rows = block.rows;
    for (std::uint32_t row = 0; row < rows;) {
      const std::uint32_t stop = std::min(rows, row + detail::rows_between_asking);
      (detail::prefetch_rows<T>(std::get<I>(ahead), row, stop - row), ...);
      for (; row < stop; ++row) function(entities[row], row_at<T>(std::get<I>(bases), row)...);
    }
    core_->close_columns();
  }

  // One row at a time, on copies.
  template <typename... T, std::size_t N, std::size_t... I, typename Function>
  void each_checked(const detail::Block& block, const std::array<detail::Term, N>& terms,
                    const detail::Columns<T...>& columns, std::index_sequence<I...>, Function& function) {
    for (std::uint32_t row = 0; row < block.rows; ++row) {
      [[maybe_unused]] auto rows = std::make_tuple(copy_of<T>(columns.rows[I], row)...);
      function(block.entities[row], given<T>(std::get<I>(rows), columns.rows[I], row)...);
      (write_back<T>(block.entities[row], terms[I].table, std::get<I>(rows)), ...);
    }
  }
  template <typename T>
  static auto copy_of(const std::byte* column, std::size_t row) {
    if constexpr (detail::is_mutable_row<T>) {
      const std::byte* at = column + row * sizeof(T);
      return detail::CheckedRow<T>{*reinterpret_cast<const T*>(at), at};
    } else {
      return nullptr;
    }
  }
  template <typename T, typename Row>
  static decltype(auto) given(Row& row, const std::byte* column, std::size_t at) {
    if constexpr (detail::is_mutable_row<T>) {
      return (row.copy);
    } else {
      return detail::TermTraits<T>::at(column, at);
    }
  }
  template <typename T, typename Row>
  void write_back(Entity entity, TableId table, const Row& row) {
    if constexpr (detail::is_mutable_row<T>) {
      const auto* bytes = reinterpret_cast<const std::byte*>(&row.copy);
      if (std::memcmp(bytes, row.original, sizeof(T)) != 0) core_->update_in_walk(table, entity, bytes);
    }
  }

  detail::WriterCore* core_;
};

namespace detail {

/// A function by reference: it runs while its caller waits.
struct WriteFunction {
  void* object = nullptr;
  std::expected<void, Error> (*call)(void* object, Writer& writer) = nullptr;

  template <typename Function>
  [[nodiscard]] static WriteFunction to(Function& function) {
    return {const_cast<void*>(static_cast<const void*>(std::addressof(function))),
            [](void* object, Writer& writer) -> std::expected<void, Error> {
              auto& typed = *static_cast<Function*>(object);
              if constexpr (std::is_void_v<std::invoke_result_t<Function&, Writer&>>) {
                typed(writer);
                return {};
              } else {
                return typed(writer);
              }
            }};
  }
};

}  // namespace detail
}  // namespace stoa
