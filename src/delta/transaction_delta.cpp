#include "delta/transaction_delta.h"

#include "base/reuse.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

namespace stoa::delta {
namespace {

using storage::Change;
using storage::WriteBuffer;

constexpr std::uint32_t nobody = 0xFFFF'FFFF;

// A column of a chunk that was written in bulk, and what it was at first.
struct ReplacedColumn {
  TableId table;
  std::span<const Entity> entities;
  const std::byte* before;
  const std::byte* after;
  std::size_t cell_bytes;
};

// Its rows have not moved since: those of a function that does anything else are told one by one, and a restore moves
// rows before it replaces columns. Calls function(ReplacedColumn) for each, until it returns false.
template <typename Function>
void each_replaced_column(const WriteBuffer& buffer, Function&& function) {
  std::set<std::tuple<std::uint32_t, std::uint32_t, TableId>> seen;
  for (const Change& change : buffer.changes().changes()) {
    if (change.kind != Change::Kind::page || change.rows_told) continue;
    if (!seen.emplace(change.store, change.row, change.table).second) continue;
    const detail::ChunkStore& store = detail::archetype_at(buffer.root(), change.store);
    const auto* before = static_cast<const std::byte*>(buffer.changes().replaced_page(change).before);
    const std::uint16_t column = store.shape->column(change.table);
    const bool goes_on = function(ReplacedColumn{.table = change.table,
                                                 .entities = store.entities(change.row),
                                                 .before = before,
                                                 .after = store.chunk_column(change.row, column),
                                                 .cell_bytes = store.shape->columns[column].cell_bytes});
    if (!goes_on) return;
  }
}

}  // namespace

TransactionDelta::TransactionDelta(const detail::WorldInfo& world) : world_(world), runs_(world), row_(row_bytes_max) {}

bool TransactionDelta::has_effect(const WriteBuffer& buffer) {
  const storage::ChangeLog& log = buffer.changes();
  if (log.empty()) return false;
  // What the first change touched it touched first: if that is not as it was, nothing else need be looked at.
  const auto told = [](const Change& change) { return change.kind == Change::Kind::page && change.rows_told; };
  const Change& first = *std::find_if_not(log.changes().begin(), std::prev(log.changes().end()), told);
  const std::byte* now = first.table == no_table ? nullptr : buffer.find_row(first.table, first.entity);
  switch (first.kind) {
    case Change::Kind::create:
      if (buffer.alive(first.entity)) return true;
      break;
    case Change::Kind::destroy: return true;
    case Change::Kind::insert:
      if (now != nullptr) return true;
      break;
    case Change::Kind::remove:
      if (now == nullptr) return true;
      break;
    case Change::Kind::update:
      if (now == nullptr) return true;
      if (world_.model(first.table).blobs.empty() &&
          std::memcmp(now + first.offset, log.image(first), first.image_bytes) != 0) {
        return true;
      }
      break;
    case Change::Kind::page:
      if (pages_differ(buffer)) return true;
      break;
    case Change::Kind::floor:
    case Change::Kind::page_floor: return true;
    case Change::Kind::none:
    case Change::Kind::move: break;
  }
  group(buffer);
  return std::ranges::any_of(cells_, [&](const Cell& cell) { return has_effect(buffer, cell); }) ||
         pages_differ(buffer);
}

bool TransactionDelta::has_effect(const WriteBuffer& buffer, const Cell& cell) {
  if (cell.table == no_table) {
    const bool begun = buffer.changes().changes()[order_[cell.begin]].kind == Change::Kind::create;
    return begun == buffer.alive(cell.entity);  // begun and there, or ended and was there
  }
  const std::byte* after = buffer.find_row(cell.table, cell.entity);
  const std::byte* before = row_before(buffer, cell);
  if (before == nullptr || after == nullptr) return before != after;
  return !buffer.equal_rows(cell.table, before, after);
}

TransactionDelta::Size TransactionDelta::estimate(const WriteBuffer& buffer) const {
  constexpr std::size_t entity_bytes = 3;
  Size out{.row_bytes = buffer.changes().blob_bytes(), .page_bytes = 0};
  for (const Change& change : buffer.changes().changes()) {
    switch (change.kind) {
      case Change::Kind::insert: out.row_bytes += entity_bytes + world_.model(change.table).bytes; break;
      case Change::Kind::update: out.row_bytes += entity_bytes + change.image_bytes; break;
      case Change::Kind::page: {
        if (change.rows_told) break;
        const detail::ChunkStore& store = detail::archetype_at(buffer.root(), change.store);
        out.page_bytes += std::size_t{store.shape->chunk_rows()} * world_.model(change.table).bytes;
        break;
      }
      default: out.row_bytes += entity_bytes; break;
    }
  }
  return out;
}

bool TransactionDelta::pages_differ(const WriteBuffer& buffer) {
  bool differ = false;
  each_replaced_column(buffer, [&](const ReplacedColumn& column) {
    differ = std::memcmp(column.before, column.after, column.entities.size() * column.cell_bytes) != 0;
    return !differ;
  });
  return differ;
}

// By the entity first, in the order in which each was first touched, and then what was done to each by its tables: an
// entity's own being, whose table is no_table, before its rows, as the sum wraps to 0.
void TransactionDelta::group(const WriteBuffer& buffer) {
  const auto changes = buffer.changes().changes();
  const auto table_of = [&](std::uint32_t at) { return static_cast<std::uint16_t>(to_index(changes[at].table) + 1); };
  group_by_entity(changes);
  clear_for_reuse(cells_);
  for (Touched& touched : touched_) {
    const auto first = order_.begin() + touched.begin;
    const auto end = order_.begin() + touched.end;
    if (end - first > 1) {
      std::sort(first, end, [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(table_of(a), a) < std::pair(table_of(b), b);
      });
    }
    touched = {.placed = 0, .begin = static_cast<std::uint32_t>(cells_.size()), .end = 0};
    for (auto at = first; at != end; ++at) {
      const auto place = static_cast<std::uint32_t>(at - order_.begin());
      if (at == first || table_of(*at) != table_of(*(at - 1))) {
        cells_.push_back({changes[*at].table, changes[*at].entity, place, place});
        touched.placed = std::max(touched.placed, *at);
      }
      cells_.back().end = place + 1;
    }
    touched.end = static_cast<std::uint32_t>(cells_.size());
  }
  if (!std::ranges::is_sorted(touched_, {}, &Touched::placed)) std::ranges::sort(touched_, {}, &Touched::placed);
}

// Sets touched_ to ranges of order_, and that to the changes that touched a cell, each entity's together, oldest first.
void TransactionDelta::group_by_entity(std::span<const Change> changes) {
  const auto touches_cell = [](const Change& change) {
    switch (change.kind) {
      case Change::Kind::create:
      case Change::Kind::destroy:
      case Change::Kind::insert:
      case Change::Kind::remove:
      case Change::Kind::update: return true;
      default: return false;
    }
  };
  clear_for_reuse(order_);
  clear_for_reuse(whose_);
  clear_for_reuse(touched_);
  clear_for_reuse(by_entity_);
  by_entity_.resize(std::bit_ceil(2 * changes.size()), nobody);
  for (std::uint32_t at = 0; at < changes.size(); ++at) {
    const std::uint32_t whose = touches_cell(changes[at]) ? find_touched(changes, at) : nobody;
    whose_.push_back(whose);
    if (whose != nobody) ++touched_[whose].end;
  }
  std::uint32_t end = 0;
  for (Touched& touched : touched_) {
    touched.begin = end;
    end += std::exchange(touched.end, end);
  }
  order_.resize(end);
  for (std::uint32_t at = 0; at < changes.size(); ++at) {
    if (whose_[at] != nobody) order_[touched_[whose_[at]].end++] = at;
  }
}

// The entity's place in touched_; at its end, where it was not there.
std::uint32_t TransactionDelta::find_touched(std::span<const Change> changes, std::uint32_t at) {
  const Entity entity = changes[at].entity;
  // Most changes follow one of the same entity.
  if (!touched_.empty() && changes[touched_.back().placed].entity == entity) {
    return static_cast<std::uint32_t>(touched_.size() - 1);
  }
  const std::size_t mask = by_entity_.size() - 1;
  std::size_t slot = (entity.bits() * 0x9E37'79B9'7F4A'7C15U >> 32U) & mask;
  for (; by_entity_[slot] != nobody; slot = (slot + 1) & mask) {
    if (changes[touched_[by_entity_[slot]].placed].entity == entity) return by_entity_[slot];
  }
  by_entity_[slot] = static_cast<std::uint32_t>(touched_.size());
  touched_.push_back({.placed = at, .begin = 0, .end = 0});
  return by_entity_[slot];
}

// The last image that is a whole row, or the row as it is, with the bytes of the updates before it put back.
const std::byte* TransactionDelta::row_before(const WriteBuffer& buffer, const Cell& cell) {
  const auto changes = buffer.changes().changes();
  const auto touches = std::span(order_).subspan(cell.begin, cell.end - cell.begin);
  if (changes[touches.front()].kind == Change::Kind::insert) return nullptr;
  const TableModel& table = world_.model(cell.table);
  const std::byte* base = buffer.find_row(cell.table, cell.entity);
  std::size_t updates = 0;
  while (updates < touches.size() && changes[touches[updates]].kind != Change::Kind::remove) ++updates;
  if (updates != touches.size()) base = buffer.changes().image(changes[touches[updates]]);
  if (table.bytes == 0) return base;
  std::memcpy(row_.data(), base, table.bytes);
  // Of several updates of a byte the first one has what it was: they are put back from the last to the first.
  while (updates-- != 0) {
    const Change& change = changes[touches[updates]];
    std::memcpy(row_.data() + change.offset, buffer.changes().image(change), change.image_bytes);
  }
  return row_.data();
}

std::size_t TransactionDelta::encode(const WriteBuffer& buffer, std::vector<std::byte>& out) {
  runs_.clear();
  group(buffer);
  for (const Touched& touched : touched_) write_entity(buffer, touched);
  write_pages(buffer);
  return runs_.finish(out);
}

void TransactionDelta::write_entity(const WriteBuffer& buffer, const Touched& touched) {
  const auto cells = std::span(cells_).subspan(touched.begin, touched.end - touched.begin);
  const Entity entity = cells.front().entity;
  const Change& first = buffer.changes().changes()[order_[cells.front().begin]];
  const bool begun = first.kind == Change::Kind::create;
  if (!buffer.alive(entity)) {
    begun ? runs_.raise_floors(entity) : runs_.destroy(entity);
    return;
  }
  if (!begun) {
    write_rows(buffer, cells);
    return;
  }
  rows_.clear();
  for (const Cell& cell : cells.subspan(1)) {
    if (const std::byte* row = buffer.find_row(cell.table, entity)) rows_.push_back({cell.table, row});
  }
  // It has been, and comes back: a restore.
  detail::EntitySlot slot;
  std::memcpy(static_cast<void*>(&slot), buffer.changes().image(first), sizeof slot);
  slot.floor >= entity.generation() ? runs_.revive(entity, rows_) : runs_.create(entity, rows_);
}

void TransactionDelta::write_rows(const WriteBuffer& buffer, std::span<const Cell> cells) {
  const Entity entity = cells.front().entity;
  rows_.clear();
  for (const Cell& cell : cells) {
    const std::byte* after = buffer.find_row(cell.table, entity);
    const std::byte* before = row_before(buffer, cell);
    if (before == nullptr && after != nullptr) rows_.push_back({cell.table, after});
    if (before != nullptr && after == nullptr) runs_.remove(entity, cell.table);
    if (before != nullptr && after != nullptr) runs_.update(entity, cell.table, before, after);
  }
  if (!rows_.empty()) runs_.insert(entity, rows_);
}

void TransactionDelta::write_pages(const WriteBuffer& buffer) {
  each_replaced_column(buffer, [&](const ReplacedColumn& column) {
    runs_.update_column(column.entities, column.table, column.before, column.after);
    return true;
  });
}

}  // namespace stoa::delta
