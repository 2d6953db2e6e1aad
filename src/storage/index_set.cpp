#include "storage/index_set.h"

#include "storage/derive_keys.h"
#include "storage/index_value.h"
#include "storage/paged_array.h"

namespace stoa::storage {
namespace {

using detail::IndexInfo;

template <typename Key>
BTree<Key>& edit_index(memory::PageWriter& pages, detail::Root& root, std::uint32_t number) {
  return edit_cell<BTree<Key>>(pages, root.indexes, number, detail::directory_page_bits);
}

bool is_of_texts(const detail::WorldInfo& world, std::uint32_t number) {
  return world.indexes[number].form == IndexInfo::Form::text;
}

}  // namespace

IndexSet::IndexSet(const detail::WorldInfo& world)
    : world_(world), numbers_(world.indexes.size()), texts_(world.indexes.size()), is_touched_(world.indexes.size()) {
  touched_.reserve(world.indexes.size());
}

inline void IndexSet::touch(std::uint32_t number) {
  behind_ = true;
  if (is_touched_[number]) return;
  is_touched_[number] = true;
  touched_.push_back(number);
}

template <typename Key>
void IndexSet::tell(KeyChanges<Key>& changes, std::uint32_t number, const Key& key, bool present) {
  if (undoing_ && !changes.settled()) return;  // the tree knows of nothing
  touch(number);
  changes.add(key, present);
  told_bytes_ += changes.bytes_each;
}

void IndexSet::row_told(TableId table, Entity entity, const std::byte* row, bool present) {
  const detail::WorldInfo::Table& info = world_.tables[to_index(table)];
  for (std::uint32_t number = info.index_first; number != info.index_end(); ++number) {
    const IndexInfo& index = world_.indexes[number];
    if (index.form == IndexInfo::Form::text) {
      tell(texts_[number], number, text_key(world_, index, entity, row), present);
    } else if (const auto key = index_key(world_, index, entity, row)) {
      tell(numbers_[number], number, *key, present);
    }
  }
}

void IndexSet::row_changed(TableId table, Entity entity, const std::byte* before, const std::byte* after) {
  const detail::WorldInfo::Table& info = world_.tables[to_index(table)];
  for (std::uint32_t number = info.index_first; number != info.index_end(); ++number) {
    const IndexInfo& index = world_.indexes[number];
    if (same_cells(world_, index, before, after)) continue;
    if (index.form == IndexInfo::Form::text) {
      const TextKey from = text_key(world_, index, entity, before);
      const TextKey to = text_key(world_, index, entity, after);
      if (from == to) continue;
      tell(texts_[number], number, from, false);
      tell(texts_[number], number, to, true);
    } else {
      const auto from = index_key(world_, index, entity, before);
      const auto to = index_key(world_, index, entity, after);
      if (from == to) continue;
      if (from) tell(numbers_[number], number, *from, false);
      if (to) tell(numbers_[number], number, *to, true);
    }
  }
}

void IndexSet::settle(memory::PageWriter& pages, detail::Root& root) {
  if (!behind_) return;
  for (std::uint32_t number : touched_) {
    if (is_of_texts(world_, number)) {
      if (!texts_[number].empty()) texts_[number].settle(pages, edit_index<TextKey>(pages, root, number));
    } else {
      if (!numbers_[number].empty()) numbers_[number].settle(pages, edit_index<IndexKey>(pages, root, number));
    }
  }
  behind_ = false;
}

void IndexSet::begin_undo() noexcept {
  for (std::uint32_t number : touched_) {
    is_of_texts(world_, number) ? texts_[number].begin_undo() : numbers_[number].begin_undo();
  }
  behind_ = false;
  undoing_ = true;
}

void IndexSet::finish_undo(memory::PageWriter& pages, detail::Root& root) {
  settle(pages, root);
  forget();
}

void IndexSet::forget() noexcept {
  for (std::uint32_t number : touched_) {
    is_touched_[number] = false;
    is_of_texts(world_, number) ? texts_[number].forget() : numbers_[number].forget();
  }
  touched_.clear();
  told_bytes_ = 0;
  behind_ = false;
  undoing_ = false;
}

void IndexSet::borrow_from(memory::PageWriter& pages, detail::Root& root, TableId table, Entity entity,
                           const std::byte* row) {
  const detail::WorldInfo::Table& info = world_.tables[to_index(table)];
  for (std::uint32_t number = info.index_first; number != info.index_end(); ++number) {
    if (!is_of_texts(world_, number)) continue;
    replace(pages, edit_index<TextKey>(pages, root, number), text_key(world_, world_.indexes[number], entity, row));
  }
}

bool IndexSet::merge_some(memory::PageWriter& pages, detail::Root& root, std::uint32_t number, BTreeWalk& walk) {
  return is_of_texts(world_, number) ? storage::merge_some(pages, edit_index<TextKey>(pages, root, number), walk)
                                     : storage::merge_some(pages, edit_index<IndexKey>(pages, root, number), walk);
}

bool IndexSet::relocate_some(memory::PageWriter& pages, detail::Root& root, std::uint32_t number, BTreeWalk& walk) {
  return is_of_texts(world_, number) ? storage::relocate_some(pages, edit_index<TextKey>(pages, root, number), walk)
                                     : storage::relocate_some(pages, edit_index<IndexKey>(pages, root, number), walk);
}

void IndexSet::build(memory::PageWriter& pages, detail::Root& root) {
  for (std::uint32_t number = 0; number != world_.indexes.size(); ++number) {
    is_of_texts(world_, number) ? build_one<TextKey>(pages, root, number) : build_one<IndexKey>(pages, root, number);
  }
  suspended_ = false;
}

template <typename Key>
void IndexSet::build_one(memory::PageWriter& pages, detail::Root& root, std::uint32_t number) {
  const BTree<Key> built = storage::build<Key>(pages, derive_keys<Key>(root, number));
  auto& tree = edit_index<Key>(pages, root, number);
  clear(pages, tree);
  tree = built;
}

}  // namespace stoa::storage
