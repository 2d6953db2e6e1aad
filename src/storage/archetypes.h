// Which archetypes there are, and which one an entity comes to when it gains or loses tables. It knows their shapes
// only; the rows are the write buffer's.
#pragma once

#include "memory/page_writer.h"

#include <stoa/detail/world.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

namespace stoa::storage {

/// Number 0 is the archetype without tables, and stays. A number that was
/// published is never used for another. Shapes live in the pool, until
/// their archetype is given up and no pin needs them.
/// Threads: the writer only; the shapes themselves are immutable and read by all.
class Archetypes {
 public:
  Archetypes(const detail::WorldInfo& world, memory::PageWriter& pages);

  /// Every number is below it.
  [[nodiscard]] std::uint32_t end() const noexcept { return end_; }
  [[nodiscard]] std::size_t count() const noexcept { return by_tables_.size(); }
  [[nodiscard]] bool has(std::uint32_t number) const noexcept {
    return pages_of_nodes_[number / page_size] != nullptr && node(number).shape != nullptr;
  }
  /// Requires: has(number).
  [[nodiscard]] const detail::StoreShape& shape(std::uint32_t number) const noexcept { return *node(number).shape; }

  /// The archetype with one table more, or one less; made if it is new. A step that was gone before is found by the
  /// edge that it left, and builds no set.
  /// Errors: throws std::bad_alloc, and is then as before; so it does when the numbers are used up.
  [[nodiscard]] std::uint32_t with(std::uint32_t number, TableId table);
  [[nodiscard]] std::uint32_t without(std::uint32_t number, TableId table);

  /// Another block for its shape, which it returns; the one that it had goes with the root being filled.
  /// Errors: throws std::bad_alloc, and is then as before.
  const detail::StoreShape& relocate_shape(std::uint32_t number);

  /// Gives an archetype up: its shape goes with the root being filled. forget_edges() must follow before the next
  /// step; it takes out all edges that lead to what was given up.
  void give_up(std::uint32_t number) noexcept;
  void forget_edges() noexcept;
  /// Takes back those from number `end` on, which no published root has: their numbers are given out again.
  void take_back(std::uint32_t end) noexcept;
  /// Those that there are stay.
  void accept() noexcept { new_edges_.clear(); }

 private:
  struct Edge {
    TableId table;
    std::uint32_t to;
  };
  struct Node {
    const detail::StoreShape* shape = nullptr;
    std::vector<Edge> add;
    std::vector<Edge> remove;
  };
  static constexpr std::uint32_t page_size = 64;
  struct NodePage {
    std::array<Node, page_size> nodes;
    std::uint32_t used = 0;
  };
  using Tables = std::span<const TableId>;
  struct TablesHash {
    using is_transparent = void;
    std::size_t operator()(Tables tables) const noexcept;
    std::size_t operator()(const detail::StoreShape* shape) const noexcept { return (*this)(shape->tables); }
  };
  struct SameTables {
    using is_transparent = void;
    static Tables of(Tables tables) noexcept { return tables; }
    static Tables of(const detail::StoreShape* shape) noexcept { return shape->tables; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const noexcept {
      return std::equal(of(a).begin(), of(a).end(), of(b).begin(), of(b).end());
    }
  };

  [[nodiscard]] Node& node(std::uint32_t number) const noexcept {
    return pages_of_nodes_[number / page_size]->nodes[number % page_size];
  }
  std::uint32_t find_or_make(Tables tables);
  void forget_edges_of(Node& from) const noexcept;

  const detail::WorldInfo& world_;
  memory::PageWriter& pages_;
  std::vector<std::unique_ptr<NodePage>> pages_of_nodes_;
  std::uint32_t end_ = 0;
  std::vector<std::uint32_t> new_edges_;  // whose nodes got edges since accept()
  std::unordered_set<const detail::StoreShape*, TablesHash, SameTables> by_tables_;
};

}  // namespace stoa::storage
