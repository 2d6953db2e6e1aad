// Reads in the order of a field's values: the entities that an ordered index has, from anywhere and either way.
#pragma once

#include <stoa/detail/index_place.h>
#include <stoa/entity.h>
#include <stoa/query.h>

#include <cstddef>
#include <iterator>
#include <ranges>
#include <string_view>
#include <type_traits>

namespace stoa {

/// The entities whose value lies between two bounds, ascending by value and then by entity. A range of both
/// directions: std::views::reverse(range) is descending. Nothing is copied.
///
/// Lifetime: of the snapshot that it is of; one of a Writer, until the next write.
/// Threads:  any; each iterator on one.
class IndexRange : public std::ranges::view_interface<IndexRange> {
 public:
  class iterator {
   public:
    using iterator_concept = std::bidirectional_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = Entity;
    using difference_type = std::ptrdiff_t;

    iterator() = default;
    explicit iterator(const detail::IndexPlace& place) : place_(place) {}

    [[nodiscard]] Entity operator*() const { return place_.entity(); }
    iterator& operator++() {
      place_.next();
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++*this;
      return before;
    }
    iterator& operator--() {
      place_.prev();
      return *this;
    }
    iterator operator--(int) {
      iterator before = *this;
      --*this;
      return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) { return a.place_ == b.place_; }

   private:
    detail::IndexPlace place_;
  };

  IndexRange() = default;
  IndexRange(const detail::IndexPlace& begin, const detail::IndexPlace& end) : begin_(begin), end_(end) {}

  [[nodiscard]] iterator begin() const { return iterator(begin_); }
  [[nodiscard]] iterator end() const { return iterator(end_); }

 private:
  detail::IndexPlace begin_;
  detail::IndexPlace end_;
};

/// A place among all entities that an index has, to go on from either way.
///
/// Lifetime, threads: as IndexRange.
class IndexCursor {
 public:
  explicit IndexCursor(const detail::IndexPlace& place) : place_(place) {}

  /// False at the end, which is behind the last and before the first.
  [[nodiscard]] bool valid() const { return !place_.at_end(); }
  /// Requires: valid(), as next().
  [[nodiscard]] Entity entity() const { return place_.entity(); }
  void next() { place_.next(); }
  /// From the end to the last.
  void prev() { place_.prev(); }

  void first() { place_.to_first(); }
  void last() {
    place_.leaf = nullptr;
    place_.prev();
  }

 private:
  detail::IndexPlace place_;
};

namespace detail {

template <auto Member, typename Row = class_of_member<Member>>
[[nodiscard]] OrderedIndex index_of(const WorldInfo& world, std::string_view call) {
  static_assert(!Encoded<Row>, "stoa: a type with a Codec has no fields, and so no index");
  return ordered_index(world, table_in<Row>(world), field_name<Member>(), call);
}

template <auto Member, typename Row = class_of_member<Member>>
[[nodiscard]] IndexRange range_of(const Root& root, const type_of_member<Member>& low,
                                  const type_of_member<Member>& high) {
  const auto [begin, end] =
      places_between(root, index_of<Member>(*root.world, "range"), reinterpret_cast<const std::byte*>(&low),
                     reinterpret_cast<const std::byte*>(&high));
  return {begin, end};
}

template <auto Member, typename Row = class_of_member<Member>>
[[nodiscard]] IndexCursor cursor_of(const Root& root) {
  return IndexCursor(first_place(root, index_of<Member>(*root.world, "cursor")));
}
template <auto Member, typename Row = class_of_member<Member>>
[[nodiscard]] IndexCursor cursor_of(const Root& root, const type_of_member<Member>& value, Entity from) {
  return IndexCursor(
      place_not_below(root, index_of<Member>(*root.world, "cursor"), reinterpret_cast<const std::byte*>(&value), from));
}

template <auto Member, typename Row = class_of_member<Member>>
[[nodiscard]] IndexRange referrers_of(const Root& root, Entity target) {
  static_assert(std::is_same_v<type_of_member<Member>, Entity>, "stoa: referrers: the member is no reference");
  const auto* cell = reinterpret_cast<const std::byte*>(&target);
  const auto [begin, end] = places_between(root, index_of<Member>(*root.world, "referrers"), cell, cell);
  return {begin, end};
}

/// Errors: throws std::logic_error if the field is not unique by itself.
template <auto Member, typename Row = class_of_member<Member>>
[[nodiscard]] Entity holder_of(const Root& root, const type_of_member<Member>& value) {
  static_assert(!Encoded<Row>, "stoa: a type with a Codec has no fields to find it by");
  const TableId table = table_in<Row>(*root.world);
  return find_unique(root, table, field_name<Member>(), reinterpret_cast<const std::byte*>(&value));
}

}  // namespace detail
}  // namespace stoa

/// Its iterators need no range: they are valid as long as the snapshot is.
template <>
inline constexpr bool std::ranges::enable_borrowed_range<stoa::IndexRange> = true;
