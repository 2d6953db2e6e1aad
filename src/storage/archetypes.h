// Which archetypes there are, and which one an entity comes to when it gains or loses tables. It knows their shapes
// only; the rows are the write buffer's.
#pragma once

#include <stoa/detail/world.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace stoa::storage {

/// Number 0 is the archetype without tables. Shapes live as long as this object; archetypes are never taken away.
/// Threads: the writer only; the shapes themselves are immutable and read by all.
class Archetypes {
 public:
  explicit Archetypes(const detail::WorldInfo& world);

  [[nodiscard]] std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(shapes_.size()); }
  [[nodiscard]] const detail::StoreShape& shape(std::uint32_t number) const noexcept { return *shapes_[number]; }

  /// The archetype with one table more, or one less; made if it is new. Known steps are found without building a set.
  [[nodiscard]] std::uint32_t with(std::uint32_t number, TableId table);
  [[nodiscard]] std::uint32_t without(std::uint32_t number, TableId table);

 private:
  struct Edge {
    TableId table;
    std::uint32_t to;
  };
  struct Edges {
    std::vector<Edge> add;
    std::vector<Edge> remove;
  };

  std::uint32_t find_or_make(const std::vector<TableId>& tables);

  const detail::WorldInfo& world_;
  std::vector<std::unique_ptr<detail::StoreShape>> shapes_;
  std::vector<Edges> edges_;
  std::map<std::vector<TableId>, std::uint32_t> by_tables_;  // ascending tables
};

}  // namespace stoa::storage
