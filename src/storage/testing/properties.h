// For tests: what must hold of every root. Each check returns what is wrong first, and "" where nothing is, so that it
// says the same under any test framework.
#pragma once

#include "memory/page_pool.h"
#include "storage/btree.h"
#include "storage/index_set.h"
#include "storage/index_value.h"
#include "storage/testing/model.h"

#include <stoa/detail/world.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace stoa::storage::test {

[[nodiscard]] inline std::string to_string(Entity entity) {
  return std::to_string(entity.index()) + "/" + std::to_string(entity.generation());
}

/// The rows of a store as they lie: whatever is taken back must give this again, to the byte and to the order.
using Image = std::vector<std::byte>;

[[nodiscard]] inline Image image_of(const detail::ChunkStore& store) {
  Image out;
  for (std::size_t column = 0; column != store.shape->columns.size(); ++column) {
    const std::size_t cell_bytes = store.shape->columns[column].cell_bytes;
    for (std::uint32_t row = 0; row != store.rows; ++row) {
      const std::byte* cell = store.cell(row, column, cell_bytes);
      out.insert(out.end(), cell, cell + cell_bytes);
    }
  }
  return out;
}

/// What page is smaller than the room that the store counts on: appends write in place as far as that.
[[nodiscard]] inline std::string lack_of_room(const detail::ChunkStore& store) {
  for (std::uint32_t chunk = 0; chunk != store.chunk_count(); ++chunk) {
    const std::size_t rows = chunk == 0 ? store.rows_first : store.shape->chunk_rows();
    for (std::size_t column = 0; column != store.shape->columns.size(); ++column) {
      const std::size_t bytes = memory::PagePool::block_bytes(store.chunk_column(chunk, column));
      if (bytes - sizeof(memory::BlockHeader) >= rows * store.shape->columns[column].cell_bytes) continue;
      return "column " + std::to_string(column) + " of chunk " + std::to_string(chunk) + " has less room than is said";
    }
  }
  return {};
}

template <typename Key>
[[nodiscard]] std::vector<Key> keys_of(const BTree<Key>& tree) {
  std::vector<Key> out;
  for (BTreeCursor<Key> at = first(tree); at.valid(); at.next()) out.push_back(at.key());
  return out;
}

[[nodiscard]] inline bool is_of_texts(const detail::Root& root, std::uint32_t index) {
  return root.world->indexes[index].form == detail::IndexInfo::Form::text;
}

/// Calls function(tree, number) for every index of the root.
template <typename Function>
void each_index(const detail::Root& root, Function&& function) {
  for (std::uint32_t i = 0; i != root.world->indexes.size(); ++i) {
    is_of_texts(root, i) ? function(index_at<TextKey>(root, i), i) : function(index_at<IndexKey>(root, i), i);
  }
}

/// What an index holds, texts by content.
struct IndexContent {
  std::vector<IndexKey> numbers;
  std::vector<std::pair<std::string, std::uint64_t>> texts;
  friend bool operator==(const IndexContent&, const IndexContent&) = default;

  void add(const IndexKey& key) { numbers.push_back(key); }
  void add(const TextKey& key) { texts.emplace_back(key.value.view(), key.entity); }
};

/// Everything of a root that a reader can see.
struct Picture {
  std::map<std::uint32_t, Image> archetypes;  ///< those that have rows
  std::vector<Image> sparse;
  std::vector<IndexContent> indexes;
  Image slots;
  std::uint64_t entity_count = 0;
  friend bool operator==(const Picture&, const Picture&) = default;
};

[[nodiscard]] inline Picture picture_of(const detail::Root& root) {
  Picture out;
  std::uint32_t number = 0;
  for (const detail::ChunkStore* store; (store = next_archetype(root, number)) != nullptr; ++number) {
    if (store->rows != 0) out.archetypes[number] = image_of(*store);
  }
  for (const detail::WorldInfo::Table& table : root.world->tables) {
    if (table.sparse != detail::WorldInfo::dense) out.sparse.push_back(image_of(*sparse_at(root, table.sparse).rows));
  }
  each_index(root, [&](const auto& tree, std::uint32_t) {
    IndexContent& content = out.indexes.emplace_back();
    for (const auto& key : keys_of(tree)) content.add(key);
  });
  for (std::uint32_t i = 0; i != root.slot_count; ++i) {
    detail::EntitySlot slot;
    if (const detail::EntitySlot* found = find_slot(root, i)) slot = *found;
    slot.floor = generation_floor(root, i);  // of a folded page, too
    if (slot.archetype == 0) slot.generation = 0;
    const auto* bytes = reinterpret_cast<const std::byte*>(&slot);
    out.slots.insert(out.slots.end(), bytes, bytes + sizeof slot);
  }
  out.entity_count = root.entity_count;
  return out;
}

/// Whether the root and the model are the same world, by every way that a reader can take.
class Comparison {
 public:
  Comparison(const detail::Root& root, const Model& model) : root_(root), model_(model) {}

  [[nodiscard]] std::string difference() {
    if (root_.entity_count != model_.entities().size()) return "entity_count is " + std::to_string(root_.entity_count);
    for (auto check : {&Comparison::archetypes, &Comparison::sparse_tables, &Comparison::walks, &Comparison::slots,
                       &Comparison::indexes}) {
      if (std::string wrong = (this->*check)(); !wrong.empty()) return wrong;
    }
    return {};
  }

 private:
  // Of the entity that has the store's row `row`.
  std::string cells(const detail::ChunkStore& store, std::uint32_t row) {
    const Entity entity = store.entity(row);
    for (std::size_t column = 1; column != store.shape->columns.size(); ++column) {
      const auto [table, cell_bytes] = store.shape->columns[column];
      const Row* expected = model_.find(table, entity);
      const TableModel& shape = model_.schema().table(table);
      if (expected == nullptr || read_row(shape, store.cell(row, column, cell_bytes)) != *expected) {
        return "the row of " + to_string(entity) + " in " + shape.name + " differs";
      }
    }
    return {};
  }

  std::string archetypes() {
    std::uint64_t rows = 0;
    std::uint32_t number = 0;
    for (const detail::ChunkStore* at; (at = next_archetype(root_, number)) != nullptr; ++number) {
      const detail::ChunkStore& store = *at;
      const std::string here = " in archetype " + std::to_string(number);
      if (store.shape->number != number) return "a shape of another number" + here;
      if (std::string wrong = lack_of_room(store); !wrong.empty()) return wrong + here;
      std::uint32_t row = 0;
      for (std::uint32_t chunk = 0; chunk != store.chunk_count(); ++chunk) {
        for (Entity entity : store.entities(chunk)) {
          auto expected = model_.entities().find(entity);
          if (expected == model_.entities().end()) return to_string(entity) + " is not alive, but stands" + here;
          if (!std::ranges::equal(tables_of(expected->second), store.shape->tables))
            return to_string(entity) + " should not be" + here;
          const detail::EntitySlot* slot = find_alive(root_, entity);
          if (slot == nullptr || slot->archetype != number + 1 || slot->row != row) {
            return "the slot of " + to_string(entity) + " does not lead to its row" + here;
          }
          if (std::string wrong = cells(store, row); !wrong.empty()) return wrong + here;
          ++row;
        }
      }
      rows += row;
    }
    return rows == root_.entity_count ? "" : "the archetypes have " + std::to_string(rows) + " rows";
  }

  std::string sparse_tables() {
    for (const TableModel& table : model_.schema().tables) {
      if (table.storage != Storage::sparse) continue;
      const detail::SparseSet& set = sparse_at(root_, root_.world->tables[to_index(table.number)].sparse);
      std::uint64_t expected = 0;
      for (const auto& [entity, rows] : model_.entities()) expected += rows.count(table.number);
      if (set.rows->rows != expected) return table.name + " has " + std::to_string(set.rows->rows) + " rows";
      if (std::string wrong = lack_of_room(*set.rows); !wrong.empty()) return wrong + " in " + table.name;
      for (std::uint32_t row = 0; row != set.rows->rows; ++row) {
        if (find_sparse_row(set, set.rows->entity(row)) != row)
          return "the leaves of " + table.name + " lead elsewhere";
        if (std::string wrong = cells(*set.rows, row); !wrong.empty()) return wrong;
      }
      std::uint64_t bits = 0;
      std::uint64_t page = 0;
      while (const void* leaf = next_page(set.leaves, page)) {
        std::uint64_t of_leaf = 0;
        for (std::uint64_t word : static_cast<const detail::SparseLeaf*>(leaf)->bits) of_leaf += std::popcount(word);
        if (of_leaf == 0) return table.name + " has a leaf without bits";
        bits += of_leaf;
        ++page;
      }
      if (bits != expected) return "the leaves of " + table.name + " have bits that are left over";
    }
    return {};
  }

  // find_row() of every table for every entity.
  std::string walks() {
    for (const auto& [entity, rows] : model_.entities()) {
      for (const TableModel& table : model_.schema().tables) {
        const std::byte* found = find_row(root_, table.number, entity);
        const Row* expected = model_.find(table.number, entity);
        const bool same =
            (found == nullptr) == (expected == nullptr) && (found == nullptr || read_row(table, found) == *expected);
        if (!same) return "find_row() of " + to_string(entity) + " in " + table.name + " differs";
      }
    }
    return {};
  }

  std::string slots() {
    for (std::uint32_t index = 0; index != root_.slot_count; ++index) {
      const detail::EntitySlot* slot = find_slot(root_, index);
      auto begun = model_.generations().find(index);
      const std::uint32_t expected = begun == model_.generations().end() ? 0 : begun->second;
      // A folded page raises it; that none is given out twice is session.h's to see.
      if (generation_floor(root_, index) < expected) return "the floor of index " + std::to_string(index) + " fell";
      const bool alive = model_.entities().contains({index, expected});
      if ((slot != nullptr && slot->archetype != 0) != alive) return "slot " + std::to_string(index) + " is not right";
    }
    return {};
  }

  std::string indexes() {
    std::string wrong;
    each_index(root_, [&](const auto& tree, std::uint32_t number) {
      const detail::IndexInfo& index = root_.world->indexes[number];
      const TableModel& table = model_.schema().table(index.table);
      IndexContent expected;
      for (const auto& [entity, rows] : model_.entities()) {
        auto row = rows.find(index.table);
        if (row == rows.end()) continue;
        const auto borrowed = borrow(table, row->second);
        if (index.form == detail::IndexInfo::Form::text) {
          expected.add(text_key(*root_.world, index, entity, borrowed.data()));
        } else if (auto key = index_key(*root_.world, index, entity, borrowed.data())) {
          expected.add(*key);
        }
      }
      std::ranges::sort(expected.numbers);
      std::ranges::sort(expected.texts);
      IndexContent found;
      for (const auto& key : keys_of(tree)) found.add(key);
      if (tree.count != expected.numbers.size() + expected.texts.size() || !(found == expected)) {
        wrong = "index " + std::to_string(number) + ", of " + table.name + ", differs";
      }
      if (wrong.empty() && tree.top != nullptr) wrong = borrows(tree, *tree.top, tree.height, index);
    });
    return wrong;
  }

  // Every key of an index of texts, also where it but leads the way, has the cell of the entity's own row.
  template <typename Key>
  std::string borrows(const BTree<Key>& tree, const BTreeNode<Key>& node, std::uint32_t level,
                      const detail::IndexInfo& index) {
    if constexpr (std::is_same_v<Key, TextKey>) {
      for (std::uint32_t i = level == 0 ? 0 : 1; i < node.count; ++i) {
        const Entity entity = detail::entity_of_rank(node.keys[i].entity);
        const std::byte* row = find_row(root_, index.table, entity);
        if (row == nullptr) return "an index has a key of entity " + to_string(entity) + ", which has no row";
        const TextKey own = text_key(*root_.world, index, entity, row);
        if (std::memcmp(&own.value, &node.keys[i].value, sizeof own.value) != 0) {
          return "an index has another text of entity " + to_string(entity) + " than its row";
        }
      }
      if (level == 0) return {};
      for (std::uint32_t i = 0; i != node.count; ++i) {
        const auto& child = *static_cast<const BTreeInner<Key>&>(node).child[i];
        if (auto wrong = borrows(tree, child, level - 1, index); !wrong.empty()) return wrong;
      }
    }
    return {};
  }

  std::vector<TableId> tables_of(const Model::Rows& rows) const {
    std::vector<TableId> out;
    for (const auto& [table, row] : rows) {
      if (model_.schema().table(table).storage == Storage::dense) out.push_back(table);
    }
    return out;
  }

  const detail::Root& root_;
  const Model& model_;
};

[[nodiscard]] inline std::string difference(const detail::Root& root, const Model& model) {
  return Comparison(root, model).difference();
}

/// The blocks that roots lead to, each once. What the pool has in use beyond them is leaked, or not yet reclaimed.
class Reachable {
 public:
  void add(const detail::Root& root) {
    block(&root);
    array(root.slots);
    array(root.floors);
    array(root.indexes);
    array(root.archetypes);
    array(root.sparse);
    std::uint32_t number = 0;
    for (const detail::ChunkStore* at; (at = next_archetype(root, number)) != nullptr; ++number)
      store(*root.world, *at);
    for (const detail::WorldInfo::Table& table : root.world->tables) {
      if (table.sparse == detail::WorldInfo::dense) continue;
      const detail::SparseSet& set = sparse_at(root, table.sparse);
      array(set.leaves);
      store(*root.world, *set.rows);
    }
    each_index(root, [this](const auto& tree, std::uint32_t) {
      if (tree.top != nullptr) node(*tree.top, tree.height);
    });
  }

  void block(const void* payload) {
    if (blocks_.insert(payload).second) bytes_ += memory::PagePool::block_bytes(payload);
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  void array(const detail::PagedArray& array) { walk(array.top, array.height()); }

  void walk(const void* at, std::uint32_t height) {
    if (at == nullptr) return;
    block(at);
    if (height == 0) return;
    for (const void* child : static_cast<const detail::RadixNode*>(at)->child) walk(child, height - 1);
  }

  void store(const detail::WorldInfo& world, const detail::ChunkStore& store) {
    block(&store);
    block(store.shape);
    for (std::size_t column = 0; column != store.shape->columns.size(); ++column) {
      array(store.columns()[column]);
      if (column == 0) continue;
      const auto [table, cell_bytes] = store.shape->columns[column];
      for (std::uint32_t row = 0; row != store.rows; ++row)
        blobs(world.model(table), store.cell(row, column, cell_bytes));
    }
  }

  void blobs(const TableModel& table, const std::byte* row) {
    for (std::uint32_t at : table.blobs) {
      detail::TextCell cell;
      std::memcpy(static_cast<void*>(&cell), row + at, sizeof cell);
      if (!cell.is_inline()) block(cell.data());
    }
  }

  template <typename Key>
  void node(const BTreeNode<Key>& at, std::uint32_t height) {
    block(&at);
    if (height == 0) return;
    const auto& inner = static_cast<const BTreeInner<Key>&>(at);
    for (std::uint32_t i = 0; i != at.count; ++i) node(*inner.child[i], height - 1);
  }

  std::unordered_set<const void*> blocks_;
  std::size_t bytes_ = 0;
};

}  // namespace stoa::storage::test
