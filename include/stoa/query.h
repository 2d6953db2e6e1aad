// Typed walks over a root: each, view and chunks. What is visited is detail::QueryCursor's to say.
#pragma once

#include <stoa/describe.h>
#include <stoa/detail/prefetch.h>
#include <stoa/detail/query.h>
#include <stoa/detail/type_index.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace stoa {

/// Filters of a view: entities that have, or have not, rows in further tables.
template <Component... T>
struct With {};
template <Component... T>
struct Without {};
template <Component... T>
inline constexpr With<T...> with{};
template <Component... T>
inline constexpr Without<T...> without{};

namespace detail {

template <typename T>
struct TermTraits {
  using Row = std::remove_const_t<T>;
  using Reference = const Row&;
  static constexpr Term::Need need = Term::Need::row;
  static Reference at(const std::byte* column, std::size_t row) {
    static_assert(!Encoded<Row>, "stoa: rows of a type with a Codec have no address as that type: use decode()");
    if constexpr (std::is_empty_v<Row>) {
      static constexpr Row tag{};
      return tag;
    } else {
      return reinterpret_cast<const Row*>(column)[row];
    }
  }
};
template <typename T>
struct TermTraits<std::optional<T>> {
  using Row = std::remove_const_t<T>;
  using Reference = const Row*;
  static constexpr Term::Need need = Term::Need::maybe;
  static Reference at(const std::byte* column, std::size_t row) {
    if (column == nullptr) return nullptr;
    return &TermTraits<Row>::at(column, row);
  }
};

/// What find_row() found, as a T.
template <Component T>
[[nodiscard]] const T* row_as(const std::byte* row) {
  static_assert(!Encoded<T>, "stoa: rows of a type with a Codec have no address as that type: use decode()");
  if constexpr (std::is_empty_v<T>) {
    static constexpr T tag{};
    return row == nullptr ? nullptr : &tag;
  } else {
    return reinterpret_cast<const T*>(row);
  }
}

[[noreturn]] void throw_no_table(std::string_view type);

template <typename T>
[[nodiscard]] TableId table_in(const WorldInfo& world) {
  const TableId table = world.schema->table_of(type_index<T>());
  if (table == no_table) throw_no_table(pretty_name<T>());
  return table;
}

template <typename Filter>
struct FilterTerms;
template <typename... T>
struct FilterTerms<With<T...>> {
  static constexpr std::size_t count = sizeof...(T);
  static void append(const WorldInfo& world, Term*& at) { ((*at++ = {table_in<T>(world), Term::Need::with}), ...); }
};
template <typename... T>
struct FilterTerms<Without<T...>> {
  static constexpr std::size_t count = sizeof...(T);
  static void append(const WorldInfo& world, Term*& at) { ((*at++ = {table_in<T>(world), Term::Need::without}), ...); }
};

/// The terms of a query over rows T... with the given filters.
template <typename... T, typename... Filter>
[[nodiscard]] auto make_terms(const WorldInfo& world, Filter...) {
  std::array<Term, sizeof...(T) + (std::size_t{0} + ... + FilterTerms<Filter>::count)> terms;
  Term* at = terms.data();
  ((*at++ = {table_in<typename TermTraits<T>::Row>(world), TermTraits<T>::need}), ...);
  (FilterTerms<Filter>::append(world, at), ...);
  return terms;
}

/// What QueryCursor::next() fills in for the terms T...
template <typename... T>
struct Columns {
  std::array<const std::byte*, sizeof...(T) + 1> rows{};
  std::array<const std::byte*, sizeof...(T) + 1> ahead{};
};

/// A walk does so many rows, then asks for as many of the next page: the lines of all at once would wait for each
/// other.
inline constexpr std::uint32_t rows_between_asking = 64;

template <typename T>
[[gnu::always_inline]] inline void prefetch_rows(const std::byte* page, std::size_t first, std::size_t count) {
  using Row = typename TermTraits<T>::Row;
  // Of wider rows a walk may read a part only.
  constexpr bool is_narrow = !std::is_empty_v<Row> && sizeof(Row) <= cache_line_bytes;
  if (is_narrow && page != nullptr) prefetch_page(page + first * sizeof(Row), count * sizeof(Row));
}
template <typename T>
[[gnu::always_inline]] inline void prefetch_first_rows(const std::byte* page, std::size_t count) {
  using Row = typename TermTraits<T>::Row;
  if (!std::is_empty_v<Row> && page != nullptr) prefetch_page_start(page, count * sizeof(Row));
}

template <typename... T, std::size_t... I, typename Function>
void visit_block(const Block& block, const Columns<T...>& columns, std::index_sequence<I...>, Function& function) {
  // Locals, so that the loop is over plain arrays and the compiler need not fear that the callback changes them.
  const Entity* const entities = block.entities;
  const std::tuple bases{columns.rows[I]...};
  const std::tuple ahead{columns.ahead[I]...};
  const std::uint32_t rows = block.rows;
  for (std::uint32_t row = 0; row < rows;) {
    const std::uint32_t stop = std::min(rows, row + rows_between_asking);
    (prefetch_rows<T>(std::get<I>(ahead), row, stop - row), ...);
    for (; row < stop; ++row) function(entities[row], TermTraits<T>::at(std::get<I>(bases), row)...);
  }
}

template <typename... T, typename Function>
void each_row(const Root& root, Function&& function) {
  const auto terms = make_terms<T...>(*root.world);
  QueryCursor cursor(root, terms);
  Block block;
  Columns<T...> columns;
  while (cursor.next(block, columns.rows.data(), columns.ahead.data())) {
    visit_block(block, columns, std::index_sequence_for<T...>(), function);
  }
}

}  // namespace detail

/// Rows of a query, as a range of tuples: the entity, a reference to each row, a pointer for each std::optional.
///
/// Lifetime: borrows the snapshot, as its elements do; iterators borrow the view.
template <std::size_t Terms, typename... T>
class View {
 public:
  using Element = std::tuple<Entity, typename detail::TermTraits<T>::Reference...>;

  class Iterator {
   public:
    using value_type = Element;
    using difference_type = std::ptrdiff_t;

    Iterator(const detail::Root& root, std::span<const detail::Term> terms) : cursor_(root, terms) {
      go_on(std::index_sequence_for<T...>());
    }

    [[nodiscard]] Element operator*() const { return element(std::index_sequence_for<T...>()); }
    Iterator& operator++() {
      if (++row_ == stop_) go_on(std::index_sequence_for<T...>());
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& at, std::default_sentinel_t) { return at.block_.rows == 0; }

   private:
    template <std::size_t... I>
    [[nodiscard]] Element element(std::index_sequence<I...>) const {
      return Element(block_.entities[row_], detail::TermTraits<T>::at(columns_.rows[I], row_)...);
    }
    template <std::size_t... I>
    void go_on(std::index_sequence<I...>) {
      if (row_ == block_.rows) {
        row_ = 0;
        if (!cursor_.next(block_, columns_.rows.data(), columns_.ahead.data())) block_.rows = 0;
      }
      stop_ = std::min(block_.rows, row_ + detail::rows_between_asking);
      (detail::prefetch_rows<T>(columns_.ahead[I], row_, stop_ - row_), ...);
    }

    detail::QueryCursor cursor_;
    detail::Block block_;
    detail::Columns<T...> columns_;
    std::uint32_t row_ = 0;
    std::uint32_t stop_ = 0;  // of the rows that the next pages were not asked for yet, the first
  };

  View(const detail::Root& root, std::array<detail::Term, Terms> terms) : root_(&root), terms_(terms) {}
  [[nodiscard]] Iterator begin() const { return Iterator(*root_, terms_); }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

 private:
  const detail::Root* root_;
  std::array<detail::Term, Terms> terms_;
};

/// Rows that lie side by side in memory, a plain array for each table.
template <typename... T>
class Chunk {
 public:
  Chunk(const detail::Block& block, std::array<const std::byte*, sizeof...(T) + 1> columns)
      : block_(block), columns_(columns) {}

  [[nodiscard]] std::size_t size() const { return block_.rows; }
  [[nodiscard]] std::span<const Entity> entities() const { return {block_.entities, block_.rows}; }
  template <typename Row>
  [[nodiscard]] std::span<const Row> column() const {
    static_assert((std::is_same_v<Row, T> || ...), "stoa: the chunk was not asked for that table");
    static_assert(!std::is_empty_v<Row>, "stoa: a tag has no column");
    static_assert(!Encoded<Row>, "stoa: rows of a type with a Codec have no address as that type: use decode()");
    constexpr std::size_t at = index_of<Row>();
    return {reinterpret_cast<const Row*>(columns_[at]), block_.rows};
  }

 private:
  template <typename Row>
  static constexpr std::size_t index_of() {
    std::size_t at = 0;
    (void)((std::is_same_v<Row, T> || (++at, false)) || ...);
    return at;
  }

  detail::Block block_;
  std::array<const std::byte*, sizeof...(T) + 1> columns_;
};

/// The chunks of a query, as a range.
///
/// Lifetime: borrows the snapshot, as its elements do; iterators borrow the range.
template <typename... T>
class Chunks {
 public:
  class Iterator {
   public:
    using value_type = Chunk<T...>;
    using difference_type = std::ptrdiff_t;

    Iterator(const detail::Root& root, std::span<const detail::Term> terms) : cursor_(root, terms) { ++*this; }
    [[nodiscard]] Chunk<T...> operator*() const { return {block_, columns_.rows}; }
    Iterator& operator++() {
      go_on(std::index_sequence_for<T...>());
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& at, std::default_sentinel_t) { return at.block_.rows == 0; }

   private:
    template <std::size_t... I>
    void go_on(std::index_sequence<I...>) {
      if (!cursor_.next(block_, columns_.rows.data(), columns_.ahead.data())) block_.rows = 0;
      (detail::prefetch_first_rows<T>(columns_.ahead[I], block_.rows), ...);
    }

    detail::QueryCursor cursor_;
    detail::Block block_;
    detail::Columns<T...> columns_;
  };

  explicit Chunks(const detail::Root& root) : root_(&root), terms_(detail::make_terms<T...>(*root.world)) {}
  [[nodiscard]] Iterator begin() const { return Iterator(*root_, terms_); }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

 private:
  const detail::Root* root_;
  std::array<detail::Term, sizeof...(T)> terms_;
};

}  // namespace stoa
