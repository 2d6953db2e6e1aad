// The derived indexes of the write buffer: every change of a row passes here, forward and back. What an index means for
// a transaction's fate is integrity's to judge.
#pragma once

#include "memory/page_writer.h"
#include "storage/btree.h"
#include "storage/key_changes.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stoa::storage {

/// The tree of an index. Requires: of its form's key, which is TextKey for texts and IndexKey otherwise.
template <typename Key>
[[nodiscard]] const BTree<Key>& index_at(const detail::Root& root, std::uint32_t number) noexcept {
  const void* page = detail::page_unchecked(root.indexes, number >> detail::directory_page_bits);
  return static_cast<const BTree<Key>*>(page)[number & ((1U << detail::directory_page_bits) - 1)];
}

/// Keeps the indexes of one write buffer. The trees follow the rows with settle(), and not before.
/// Errors:  what is told of rows throws std::bad_alloc; the transaction is then taken back.
/// Threads: the writer only.
class IndexSet {
 public:
  explicit IndexSet(const detail::WorldInfo& world);

  [[nodiscard]] bool covers(TableId table) const noexcept {
    return !suspended_ && world_.tables[to_index(table)].index_count != 0;
  }
  /// What the transaction has told takes up, at most.
  [[nodiscard]] std::size_t told_bytes() const noexcept { return told_bytes_; }

  void row_added(TableId table, Entity entity, const std::byte* row) { row_told(table, entity, row, true); }
  void row_removed(TableId table, Entity entity, const std::byte* row) { row_told(table, entity, row, false); }
  void row_changed(TableId table, Entity entity, const std::byte* before, const std::byte* after);

  /// Makes the trees follow. Errors: throws std::bad_alloc; the transaction is then taken back.
  void settle(memory::PageWriter& pages, detail::Root& root);
  /// The transaction stands. Requires: settle().
  void accept() noexcept { forget(); }
  /// Before the rows are taken back, change by change, each of which is told again: it matters to those trees alone
  /// that have followed already, and takes no memory but theirs.
  void begin_undo() noexcept;
  /// After it. Errors: as settle().
  void finish_undo(memory::PageWriter& pages, detail::Root& root);

  /// Makes the keys of a row borrow its texts from `row`, which equals it. The second call for the same row in a root
  /// needs no memory. Requires: no transaction is under way.
  /// Errors: throws std::bad_alloc; no key has changed then.
  void borrow_from(memory::PageWriter& pages, detail::Root& root, TableId table, Entity entity, const std::byte* row);

  /// As those of a tree, for the index of that number.
  bool merge_some(memory::PageWriter& pages, detail::Root& root, std::uint32_t number, BTreeWalk& walk);
  bool relocate_some(memory::PageWriter& pages, detail::Root& root, std::uint32_t number, BTreeWalk& walk);

  /// For a replay, which needs no index: from here on nothing follows; build() makes all trees from the rows.
  /// Requires: no transaction is under way.
  void suspend() noexcept { suspended_ = true; }
  /// Errors: throws std::bad_alloc; the indexes stay suspended.
  void build(memory::PageWriter& pages, detail::Root& root);

 private:
  void row_told(TableId table, Entity entity, const std::byte* row, bool present);
  template <typename Key>
  void tell(KeyChanges<Key>& changes, std::uint32_t number, const Key& key, bool present);
  void touch(std::uint32_t number);
  void forget() noexcept;
  template <typename Key>
  void build_one(memory::PageWriter& pages, detail::Root& root, std::uint32_t number);

  const detail::WorldInfo& world_;
  std::vector<KeyChanges<IndexKey>> numbers_;  // by index number; of texts not used
  std::vector<KeyChanges<TextKey>> texts_;     // by index number; of others not used
  std::vector<std::uint32_t> touched_;         // indexes that the transaction told of; room for all
  std::vector<bool> is_touched_;
  bool behind_ = false;
  bool suspended_ = false;
  bool undoing_ = false;
  std::size_t told_bytes_ = 0;
};

}  // namespace stoa::storage
