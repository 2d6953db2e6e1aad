// The rows of many entities in one table, batch by batch, so that their cache misses overlap.
#pragma once

#include <stoa/detail/world.h>

#include <array>
#include <cstddef>
#include <span>

namespace stoa::detail {

class RowFinder {
 public:
  /// Lifetime: borrows root and entities.
  RowFinder(const Root& root, TableId table, std::span<const Entity> entities) noexcept;

  /// Of the entities that follow those of the last call: what find_row() answers for each, asked for from memory.
  /// Empty after the last. Valid until the next call.
  [[nodiscard]] std::span<const std::byte* const> next() noexcept;

 private:
  static constexpr std::size_t batch = 64;

  void find_dense(std::span<const Entity> now, std::span<const Entity> ahead) noexcept;
  void find_sparse(std::span<const Entity> now, std::span<const Entity> ahead) noexcept;
  [[nodiscard]] std::span<const Entity> batch_at(std::size_t at) const noexcept;

  const Root& root_;
  const TableId table_;
  const WorldInfo::Table& info_;
  std::span<const Entity> entities_;
  std::size_t at_ = 0;
  std::array<const std::byte*, batch> rows_;
};

}  // namespace stoa::detail
