// The derived indexes of the write buffer: every change of a row passes here, forward and back. What an index means for
// a transaction's fate is integrity's to judge.
#pragma once

#include "memory/page_writer.h"
#include "storage/btree.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace stoa::storage {

/// The indexes that a schema's keys, unique rules and references need.
[[nodiscard]] std::vector<detail::IndexInfo> derive_indexes(const SchemaModel& schema);

/// The value by which a row stands in an index: order-preserving for a single number or reference, a hash otherwise.
/// None where a reference among the fields is null.
[[nodiscard]] std::optional<std::uint64_t> index_value(const detail::WorldInfo& world, const detail::IndexInfo& index,
                                                       const std::byte* row);
/// Whether two rows agree in all fields of the index, texts by content. Needed where the value is a hash.
[[nodiscard]] bool same_in_index(const detail::WorldInfo& world, const detail::IndexInfo& index, const std::byte* a,
                                 const std::byte* b);

[[nodiscard]] const BTree& index_at(const detail::Root& root, std::uint32_t number) noexcept;

/// Keeps the indexes of one write buffer. Adding what is there and erasing what is not are no errors: taking back a
/// change that stopped half-way relies on it.
/// Threads: the writer only.
class IndexSet {
 public:
  explicit IndexSet(const detail::WorldInfo& world);

  [[nodiscard]] bool covers(TableId table) const noexcept { return !by_table_[to_index(table)].empty(); }
  void row_added(memory::PageWriter& pages, detail::Root& root, TableId table, Entity entity, const std::byte* row);
  void row_removed(memory::PageWriter& pages, detail::Root& root, TableId table, Entity entity, const std::byte* row);
  void row_changed(memory::PageWriter& pages, detail::Root& root, TableId table, Entity entity, const std::byte* before,
                   const std::byte* after);

 private:
  const detail::WorldInfo& world_;
  std::vector<std::vector<std::uint32_t>> by_table_;  // index numbers
};

}  // namespace stoa::storage
