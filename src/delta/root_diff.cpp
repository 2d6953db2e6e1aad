#include "delta/root_diff.h"

#include "delta/differing_rows.h"
#include "storage/paged_diff.h"

#include <stoa/detail/prefetch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace stoa::delta {
namespace {

using detail::ChunkStore;
using detail::EntitySlot;
using detail::Root;
using detail::SparseSet;
using storage::for_each_differing_page;

constexpr std::uint32_t slot_page_size = 1U << detail::slot_page_bits;
constexpr std::size_t rows_together = 32;  // whose entities are awaited at once
constexpr std::uint32_t directory_page_size = 1U << detail::directory_page_bits;

// Out is told of each difference, as a RunWriter is.
template <typename Out>
class RootDiff {
 public:
  /// Columns for which `skip` holds are left out.
  RootDiff(const Root& from, const Root& to, Out& out, SkipColumn skip = nullptr)
      : from_(from), to_(to), out_(out), skip_(skip) {}

  void run() {
    slots();
    floors();
    raise_pages();
    archetypes();
    sparse_tables();
  }

 private:
  // --- Who is alive -----------------------------------------------------------------------------------------------

  void slots() {
    for_each_differing_page(from_.slots, to_.slots, [&](std::uint64_t page, const void* a, const void* b) {
      const auto number = static_cast<std::uint32_t>(page);
      if (a != nullptr) ended(number, 0, static_cast<const EntitySlot*>(a), static_cast<const EntitySlot*>(b));
      if (b != nullptr) risen(number, static_cast<const EntitySlot*>(b));
      if (b == nullptr) folded(number);
    });
    // Entities may have begun in a page that both have, past the slots that the older one knows: its last one.
    const std::uint32_t last = to_.slot_count / slot_page_size;
    const auto* slots = static_cast<const EntitySlot*>(detail::find_page(to_.slots, last));
    if (slots != nullptr && slots == detail::find_page(from_.slots, last)) {
      ended(last, slots_known(to_.slot_count, last), slots, slots);
    }
  }

  // How many of a page's slots a root with `slot_count` has.
  static std::uint32_t slots_known(std::uint32_t slot_count, std::uint32_t page) {
    const std::uint32_t first = page * slot_page_size;
    return slot_count <= first ? 0 : std::min(slot_count - first, slot_page_size);
  }

  // Of a page's slots, those from `first` on.
  void ended(std::uint32_t page, std::uint32_t first, const EntitySlot* before, const EntitySlot* after) {
    const std::uint32_t known = slots_known(from_.slot_count, page);
    const std::uint32_t known_after = slots_known(to_.slot_count, page);
    for (std::uint32_t i = first; i < known; ++i) {
      if (before[i].archetype == 0) continue;
      const bool is_there = after != nullptr && i < known_after;
      const bool stays = is_there && after[i].archetype != 0 && after[i].generation == before[i].generation;
      if (!stays) out_.destroy({page * slot_page_size + i, before[i].generation});
    }
  }

  // Where a new entity began and is still there, its creation says as much.
  void risen(std::uint32_t page, const EntitySlot* after) {
    const std::uint32_t known = slots_known(to_.slot_count, page);
    for (std::uint32_t i = 0; i < known; ++i) {
      const std::uint32_t told = after[i].archetype != 0 ? after[i].generation : 0;
      if (after[i].floor <= told) continue;
      const std::uint32_t index = page * slot_page_size + i;
      if (after[i].floor > detail::generation_floor(from_, index)) out_.raise_floors({index, after[i].floor});
    }
  }

  // A page that has slots in one of them only.
  void folded(std::uint32_t page) {
    const std::uint32_t floor = detail::folded_floor(to_, page);
    std::uint32_t lowest = floor;
    for (std::uint32_t i = 0; i != slot_page_size; ++i) {
      lowest = std::min(lowest, detail::generation_floor(from_, page * slot_page_size + i));
    }
    if (lowest < floor) risen_pages_.emplace_back(page, floor);
  }

  // Of pages that have slots in neither.
  void floors() {
    constexpr std::uint32_t size = 1U << detail::floor_page_bits;
    for_each_differing_page(from_.floors, to_.floors, [&](std::uint64_t page, const void*, const void* b) {
      if (b == nullptr) return;
      for (std::uint32_t i = 0; i != size; ++i) {
        const auto number = static_cast<std::uint32_t>(page * size + i);
        const std::uint32_t floor = static_cast<const std::uint32_t*>(b)[i];
        if (floor <= detail::folded_floor(from_, number)) continue;
        if (detail::find_page(from_.slots, number) == nullptr && detail::find_page(to_.slots, number) == nullptr) {
          risen_pages_.emplace_back(number, floor);
        }
      }
    });
  }

  // In the order of their indices, as a reader wants them.
  void raise_pages() {
    std::ranges::sort(risen_pages_);
    for (const auto& [page, floor] : risen_pages_) {
      const std::uint32_t first = page * slot_page_size;
      out_.raise_floors({first, floor}, std::min(slot_page_size, 0xFFFF'FFFFU - first));
    }
  }

  // --- Rows of dense tables ---------------------------------------------------------------------------------------

  void archetypes() {
    for_each_differing_page(from_.archetypes, to_.archetypes, [&](std::uint64_t, const void* a, const void* b) {
      if (b == nullptr) return;
      for (std::uint32_t i = 0; i != directory_page_size; ++i) {
        const ChunkStore* after = static_cast<const ChunkStore* const*>(b)[i];
        const ChunkStore* before = a == nullptr ? nullptr : static_cast<const ChunkStore* const*>(a)[i];
        if (after == before || after == nullptr) continue;
        if (before != nullptr) {
          rows_in_place(*before, *after);
          for_each_other_row(*after, before, [&](Entity entity, std::uint32_t row) { moved(entity, *after, row); });
        } else {
          for_each_other_row(*after, nullptr, [&](Entity entity, std::uint32_t row) { moved(entity, *after, row); });
        }
      }
    });
  }

  // A row whose cells differ, if it is the same entity's in both.
  struct Differing {
    const Entity* whose_before;
    const Entity* whose_after;
    const std::byte* was;
    const std::byte* now;
  };
  // A chunk's cells of one table in both.
  struct Pages {
    std::uint32_t chunk;
    const std::byte* before;
    const std::byte* after;
  };

  // Rows of entities that have not moved, of all columns whose pages differ. Those are rarely in a cache, so while one
  // pair of pages is compared the next one is on its way.
  void rows_in_place(const ChunkStore& before, const ChunkStore& after) {
    for (std::size_t column = 1; column != after.shape->columns.size(); ++column) {
      const TableId table = after.shape->columns[column].table;
      std::optional<Pages> next;
      for_each_differing_page(
          before.columns()[column], after.columns()[column], [&](std::uint64_t chunk, const void* a, const void* b) {
            if (a == nullptr || b == nullptr) return;
            const auto number = static_cast<std::uint32_t>(chunk);
            if (skip_ != nullptr && skip_(*to_.world, before, after, number, table)) return;
            const Pages found{number, static_cast<const std::byte*>(a), static_cast<const std::byte*>(b)};
            if (next) compare(before, after, column, *next, &found);
            next = found;
          });
      if (next) compare(before, after, column, *next, nullptr);
      tell(table);
    }
  }

  void compare(const ChunkStore& before, const ChunkStore& after, std::size_t column, const Pages& pages,
               const Pages* next) {
    const std::uint32_t first = pages.chunk << after.shape->row_bits;
    const std::uint32_t rows = std::min(before.rows, after.rows);
    if (first >= rows) return;
    const std::uint32_t count = std::min(rows - first, after.shape->chunk_rows());
    const auto [table, cell_bytes] = after.shape->columns[column];
    const Entity* whose_a = before.entities(pages.chunk).data();
    const Entity* whose_b = after.entities(pages.chunk).data();
    const auto ahead = [next](std::size_t at) {
      if (next == nullptr) return;
      detail::prefetch_page_line(next->before + at);
      detail::prefetch_page_line(next->after + at);
    };
    for_each_differing_row(pages.before, pages.after, count, cell_bytes, ahead, [&](std::size_t row) {
      __builtin_prefetch(whose_a + row);
      __builtin_prefetch(whose_b + row);
      differing_.push_back(
          {whose_a + row, whose_b + row, pages.before + row * cell_bytes, pages.after + row * cell_bytes});
    });
    if (differing_.size() >= rows_together) tell(table);
  }

  // What compare() found: cells that differ, if their row is the same entity's.
  void tell(TableId table) {
    for (const auto& [whose_a, whose_b, was, now] : differing_) {
      if (*whose_a == *whose_b) out_.update(*whose_b, table, was, now);
    }
    differing_.clear();
  }

  // Calls function(entity, row) for the rows of `store` that have not the same entity in `other`. Where the page of
  // entities is the same block, rows beyond those of the other may still be more.
  template <typename Function>
  static void for_each_other_row(const ChunkStore& store, const ChunkStore* other, Function&& function) {
    const std::uint32_t other_rows = other == nullptr ? 0 : other->rows;
    const auto look = [&](std::uint32_t first, std::uint32_t end) {
      for (std::uint32_t row = first; row < end; ++row) {
        const Entity entity = store.entity(row);
        if (row >= other_rows || other->entity(row) != entity) function(entity, row);
      }
    };
    if (other == nullptr) {
      look(0, store.rows);
      return;
    }
    const std::uint32_t bits = store.shape->row_bits;
    const std::uint32_t shared = std::min(store.rows, other_rows);
    for_each_differing_page(other->columns()[0], store.columns()[0],
                            [&](std::uint64_t chunk, const void*, const void* b) {
                              const auto first = static_cast<std::uint32_t>(chunk << bits);
                              if (b == nullptr || first >= shared) return;
                              look(first, std::min(shared, first + store.shape->chunk_rows()));
                            });
    look(shared, store.rows);
  }

  // An entity that was elsewhere, or was not: its dense rows, each compared with what it was.
  void moved(Entity entity, const ChunkStore& store, std::uint32_t row) {
    rows_.clear();
    const EntitySlot* slot = detail::find_alive(from_, entity);
    const ChunkStore* was = slot == nullptr ? nullptr : &detail::archetype_at(from_, slot->archetype - 1);
    for (TableId table : store.shape->tables) {
      const std::byte* after = cell(store, row, table);
      const std::byte* before = was == nullptr ? nullptr : cell(*was, slot->row, table);
      if (before == nullptr) {
        rows_.push_back({table, after});
      } else if (after != before) {
        out_.update(entity, table, before, after);
      }
    }
    if (was == nullptr) {
      // By what it starts from, or by the floors that this very difference raises before.
      const std::uint32_t floor = detail::generation_floor(from_, entity.index());
      const bool has_been =
          entity.generation() <= floor || entity.generation() < detail::generation_floor(to_, entity.index());
      has_been ? out_.revive(entity, rows_) : out_.create(entity, rows_);
      return;
    }
    if (!rows_.empty()) out_.insert(entity, rows_);
    for (TableId table : was->shape->tables) {
      if (!store.shape->has(table)) out_.remove(entity, table);
    }
  }

  // nullptr where the store does not have the table.
  static const std::byte* cell(const ChunkStore& store, std::uint32_t row, TableId table) {
    return detail::row_at(store, row, store.shape->column(table));
  }

  // --- Rows of sparse tables --------------------------------------------------------------------------------------

  void sparse_tables() {
    for (const detail::WorldInfo::Table& info : to_.world->tables) {
      if (info.sparse == detail::WorldInfo::dense) continue;
      const TableId table{static_cast<std::uint16_t>(&info - to_.world->tables.data())};
      const SparseSet none;
      const SparseSet& before = from_.sparse.top == nullptr ? none : detail::sparse_at(from_, info.sparse);
      const SparseSet& after = to_.sparse.top == nullptr ? none : detail::sparse_at(to_, info.sparse);
      if (before.rows != after.rows) sparse_table(table, before, after);
    }
  }

  void sparse_table(TableId table, const SparseSet& before, const SparseSet& after) {
    if (before.rows != nullptr && after.rows != nullptr) rows_in_place(*before.rows, *after.rows);
    if (before.rows != nullptr) {
      for_each_other_row(*before.rows, after.rows, [&](Entity entity, std::uint32_t) {
        const bool stays = after.rows != nullptr && detail::find_sparse_row(after, entity) != detail::no_row;
        if (!stays && detail::find_alive(to_, entity) != nullptr) out_.remove(entity, table);
      });
    }
    if (after.rows == nullptr) return;
    const std::size_t column = after.rows->shape->column(table);
    const bool is_tag = column == detail::StoreShape::membership;
    for_each_other_row(*after.rows, before.rows, [&](Entity entity, std::uint32_t row) {
      const std::uint32_t was = before.rows == nullptr ? detail::no_row : detail::find_sparse_row(before, entity);
      const std::byte* now = cell(*after.rows, row, table);
      if (was == detail::no_row) {
        const RunWriter::Row only{table, now};
        out_.insert(entity, {&only, 1});
      } else if (!is_tag) {
        out_.update(entity, table, cell(*before.rows, was, table), now);
      }
    });
  }

  const Root& from_;
  const Root& to_;
  Out& out_;
  const SkipColumn skip_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> risen_pages_;  // and their floors
  std::vector<Differing> differing_;                                  // of one table
  std::vector<RunWriter::Row> rows_;
};

// Whose they are, and nothing else.
class EntityList {
 public:
  explicit EntityList(std::vector<Entity>& out) : out_(out) {}

  void destroy(Entity entity) { out_.push_back(entity); }
  void raise_floors(Entity /*entity*/, std::uint32_t /*count*/ = 1) {}
  void create(Entity entity, std::span<const RunWriter::Row> /*rows*/) { out_.push_back(entity); }
  void revive(Entity entity, std::span<const RunWriter::Row> /*rows*/) { out_.push_back(entity); }
  void insert(Entity entity, std::span<const RunWriter::Row> /*rows*/) { out_.push_back(entity); }
  void remove(Entity entity, TableId /*table*/) { out_.push_back(entity); }
  void update(Entity entity, TableId /*table*/, const std::byte* /*was*/, const std::byte* /*now*/) {
    out_.push_back(entity);
  }

 private:
  std::vector<Entity>& out_;
};

}  // namespace

void diff_roots(const Root& from, const Root& to, RunWriter& out) {
  if (&from != &to) RootDiff(from, to, out).run();
}

void diff_roots_but(SkipColumn skip, const Root& from, const Root& to, RunWriter& out) {
  if (&from != &to) RootDiff(from, to, out, skip).run();
}

void list_changed(const Root& from, const Root& to, std::vector<Entity>& out) {
  if (&from == &to) return;
  EntityList list(out);
  RootDiff(from, to, list).run();
  std::ranges::sort(out);
  const auto twice = std::ranges::unique(out);
  out.erase(twice.begin(), twice.end());
}

}  // namespace stoa::delta
