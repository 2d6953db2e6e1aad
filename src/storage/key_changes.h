// What a transaction does to one index, kept back until somebody looks at the index: many keys at once are entered in
// their order, or, where they are much of it, by building the index anew.
#pragma once

#include "memory/page_writer.h"
#include "storage/btree.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

namespace stoa::storage {

/// Threads: the writer only.
template <typename Key>
class KeyChanges {
 public:
  static constexpr std::size_t bytes_each = sizeof(Key) + 8;

  [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }
  /// Whether the tree knows of this transaction.
  [[nodiscard]] bool settled() const noexcept { return settled_; }

  /// The tree is to have the key, or not to have it: the last word on a key counts.
  /// Errors: throws std::bad_alloc; never for what takes a change back, see begin_undo().
  void add(const Key& key, bool present) {
    if (!undoing_) {
      if (changes_.capacity() < told_ + spare) changes_.reserve(2 * (told_ + spare));
      ++told_;
    }
    changes_.push_back({key, present, static_cast<std::uint32_t>(changes_.size())});
  }

  /// Carries out what was added. Saying what is so already is no error: taking back a change that stopped half-way
  /// relies on it.
  /// Errors: throws std::bad_alloc; some is carried out then, and all can be again.
  void settle(memory::PageWriter& pages, BTree<Key>& tree) {
    if (changes_.empty()) return;
    settled_ = true;
    if (changes_.size() > 1) keep_last_words();
    if (changes_.size() < rebuild_least || changes_.size() < tree.count / rebuild_share || !rebuild(pages, tree)) {
      BTreePlace<Key> place;
      for (const Change& change : changes_) {
        if (change.present && (insert(pages, tree, change.key, place) || !borrows_elsewhere(tree, change.key)))
          continue;
        erase(pages, tree, change.key, place);
        if (change.present) insert(pages, tree, change.key, place);
      }
    }
    changes_.clear();
  }

  /// The transaction is over, or nothing of it is in the tree.
  void forget() noexcept {
    const bool is_much = changes_.capacity() * sizeof(Change) > kept_bytes && told_ < changes_.capacity() / 8;
    changes_.clear();
    if (is_much) changes_ = std::vector<Change>();  // not {}: that would keep the memory
    told_ = 0;
    settled_ = false;
    undoing_ = false;
  }
  /// The transaction is to be taken back. If settled(), the opposite of each change, from the last to the first, is to
  /// be added and settled; there is memory for the list of these. Otherwise nothing.
  void begin_undo() noexcept {
    changes_.clear();
    undoing_ = true;
  }

 private:
  // A row that changes is two, and what takes back one that failed at its first is two as well.
  static constexpr std::size_t spare = 4;
  static constexpr std::size_t kept_bytes = std::size_t{1} << 20U;
  static constexpr std::size_t rebuild_least = 64;
  static constexpr std::size_t rebuild_share = 8;  // of the tree's keys

  struct Change {
    Key key;
    bool present;
    std::uint32_t number;
  };
  static_assert(sizeof(Change) == bytes_each);

  // A text's key that is there already may be one of another blob, which goes. Most are the very same, and are left.
  // Requires: a key equal to this one is in the tree.
  static bool borrows_elsewhere(const BTree<Key>& tree, const Key& key) noexcept {
    if constexpr (std::is_same_v<Key, TextKey>) {
      return std::memcmp(&lower_bound(tree, key).key(), &key, sizeof key) != 0;
    } else {
      return false;
    }
  }

  void keep_last_words() noexcept {
    const auto comes_before = [](const Change& a, const Change& b) {
      return below(a.key, b.key) || (a.key == b.key && a.number < b.number);
    };
    // What follows from one row is often told in its order.
    if (!std::is_sorted(changes_.begin(), changes_.end(), comes_before)) {
      std::sort(changes_.begin(), changes_.end(), comes_before);
    }
    auto out = changes_.begin();
    for (auto at = changes_.begin(); at != changes_.end(); ++at) {
      if (at + 1 == changes_.end() || !(at[1].key == at->key)) *out++ = *at;
    }
    changes_.erase(out, changes_.end());
  }

  // False where there is no memory for it: key by key it may do with less.
  bool rebuild(memory::PageWriter& pages, BTree<Key>& tree) try {
    std::vector<Key> keys;
    keys.reserve(tree.count + changes_.size());
    BTreeCursor<Key> old = first(tree);
    for (const Change& change : changes_) {
      for (; old.valid() && below(old.key(), change.key); old.next()) keys.push_back(old.key());
      if (old.valid() && old.key() == change.key) old.next();
      if (change.present) keys.push_back(change.key);
    }
    for (; old.valid(); old.next()) keys.push_back(old.key());
    const BTree<Key> built = build<Key>(pages, keys);
    clear(pages, tree);
    tree = built;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }

  std::vector<Change> changes_;
  std::size_t told_ = 0;  // so many were added in this transaction
  bool settled_ = false;  // some were carried out
  bool undoing_ = false;
};

}  // namespace stoa::storage
