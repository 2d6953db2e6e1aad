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

// Looked for one by one, rather than by their hashes.
constexpr std::size_t few_changes = 8;

bool touches_cell(Change::Kind kind) {
  constexpr auto bit = [](Change::Kind of) { return 1U << static_cast<unsigned>(of); };
  constexpr unsigned all = bit(Change::Kind::create) | bit(Change::Kind::destroy) | bit(Change::Kind::insert) |
                           bit(Change::Kind::remove) | bit(Change::Kind::update);
  return (all >> static_cast<unsigned>(kind) & 1U) != 0;
}

// An entity's own being, whose table is no_table, comes before its rows, as the sum wraps to 0.
std::uint16_t table_order(const Change& change) { return static_cast<std::uint16_t>(to_index(change.table) + 1); }

// Of an entity's first change, where it gets rows: one that has been, and comes back, is revived by a restore.
RunCode code_of(const WriteBuffer& buffer, const Change& first) {
  if (first.kind == Change::Kind::insert) return RunCode::insert;
  detail::EntitySlot was;
  std::memcpy(static_cast<void*>(&was), buffer.changes().image(first), sizeof was);
  return was.floor >= first.entity.generation() ? RunCode::revive : RunCode::create;
}

// The entity's row in the table, if it has one.
const std::byte* row_of(const WriteBuffer& buffer, Entity entity, const detail::EntitySlot& slot, TableId table) {
  const detail::Root& root = buffer.root();
  if (root.world->tables[to_index(table)].sparse != detail::WorldInfo::dense) return buffer.find_row(table, entity);
  const detail::ChunkStore& store = detail::archetype_at(root, slot.archetype - 1);
  return detail::row_at(store, slot.row, store.shape->column(table));
}

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
  if (is_one_beginning(log.changes())) return true;
  // What the first change touched it touched first: if that is not as it was, nothing else need be looked at.
  const auto says_nothing = [](const Change& change) {
    return change.kind == Change::Kind::move || change.kind == Change::Kind::none ||
           (change.kind == Change::Kind::page && change.rows_told);
  };
  const Change& first = *std::find_if_not(log.changes().begin(), std::prev(log.changes().end()), says_nothing);
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
      // An update is recorded where it changes something. And the row was just written: a look at it would wait until
      // it has left the store buffer.
      if (now == nullptr || log.changes().size() == 1) return true;
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
  link(log.changes());
  return std::ranges::any_of(touched_, [&](const Touched& touched) { return has_effect(buffer, touched); }) ||
         pages_differ(buffer);
}

bool TransactionDelta::has_effect(const WriteBuffer& buffer, const Touched& touched) {
  const Changes changes = buffer.changes().changes();
  find_cells(changes, touched);
  return std::ranges::any_of(cells_, [&](const Cell& cell) {
    if (cell.table == no_table) {
      const bool begun = changes[order_[cell.begin]].kind == Change::Kind::create;
      return begun == buffer.alive(touched.entity);  // begun and there, or ended and was there
    }
    const std::byte* after = buffer.find_row(cell.table, touched.entity);
    const std::byte* before = row_before(buffer, touched.entity, cell);
    if (before == nullptr || after == nullptr) return before != after;
    return !buffer.equal_rows(cell.table, before, after);
  });
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

// Whether one entity begins, with its rows, and nothing else happens: what many transactions are.
bool TransactionDelta::is_one_beginning(Changes changes) const noexcept {
  constexpr std::size_t rows_max = 8;
  if (changes.empty()) return false;
  const Change& create = changes.front();
  if (create.kind != Change::Kind::create || changes.size() > rows_max + 1) return false;
  std::uint16_t last = table_order(create);
  for (const Change& row : changes.subspan(1)) {
    if (row.kind != Change::Kind::insert || row.entity != create.entity || table_order(row) <= last) return false;
    last = table_order(row);
  }
  return true;
}

std::size_t TransactionDelta::write_one_beginning(const WriteBuffer& buffer, std::vector<std::byte>& out) {
  const Changes changes = buffer.changes().changes();
  const Entity entity = changes.front().entity;
  const detail::EntitySlot& slot = *detail::find_alive(buffer.root(), entity);
  rows_.clear();
  tables_.clear();
  for (const Change& row : changes.subspan(1)) {
    tables_.push_back(row.table);
    rows_.push_back({row.table, row_of(buffer, entity, slot, row.table)});
  }
  return runs_.begin_alone(code_of(buffer, changes.front()), {&entity, 1}, tables_, rows_, out);
}

// Whether entities begin, each with its rows, or get rows, and nothing else happens, and no entity is met again later:
// their indices rise, or all of them begin, or all get a row of one table. Sets additions_ and tables_.
bool TransactionDelta::find_additions(Changes changes) {
  using Kind = Change::Kind;
  clear_for_reuse(additions_);
  clear_for_reuse(tables_);
  std::uint64_t lowest = 0;  // that the next one's index may be
  bool rise = true;
  bool all_begin = true;
  bool of_one_table = true;
  const auto kind_at = [&](std::size_t at) { return at == changes.size() ? Kind::destroy : changes[at].kind; };
  const auto skip = [&](std::size_t at) {
    while (kind_at(at) == Kind::none || kind_at(at) == Kind::move) ++at;
    return at;
  };
  for (std::size_t at = skip(0); at != changes.size(); at = skip(at)) {
    Additions some{.at = static_cast<std::uint32_t>(at), .count = 0, .tables = tables_.size(), .table_count = 0};
    const Change& first = changes[at];
    if (first.kind != Kind::create && first.kind != Kind::insert) return false;
    for (; kind_at(at) == first.kind && changes[at].table == first.table; ++at, ++some.count) {
      rise = rise && changes[at].entity.index() >= lowest;
      lowest = changes[at].entity.index() + std::uint64_t{1};
    }
    all_begin = all_begin && first.kind == Kind::create;
    const auto add_table = [&](TableId table) {
      tables_.push_back(table);
      ++some.table_count;
    };
    if (first.kind == Kind::insert) add_table(first.table);
    // Table by table, each of their rows in the same order.
    for (at = skip(at); kind_at(at) == Kind::insert; at = skip(at)) {
      if (first.kind == Kind::insert && changes[at].entity != first.entity) break;  // others
      const TableId table = changes[at].table;
      if (changes.size() - at < some.count || (some.table_count != 0 && table <= tables_.back())) return false;
      for (std::size_t end = at + some.count, of = some.at; at != end; ++at, ++of) {
        const Change& row = changes[at];
        if (row.kind != Kind::insert || row.table != table || row.entity != changes[of].entity) return false;
      }
      add_table(table);
    }
    of_one_table =
        of_one_table && first.kind == Kind::insert && some.table_count == 1 && tables_.back() == tables_.front();
    additions_.push_back(some);
  }
  return !additions_.empty() && (rise || all_begin || of_one_table);
}

// Where entities lose rows of one table, and nothing else happens: no row can go twice. False, and nothing is written,
// where it is not so.
bool TransactionDelta::write_removals(Changes changes) {
  clear_for_reuse(removed_);
  TableId table = no_table;
  for (const Change& change : changes) {
    if (change.kind == Change::Kind::move || change.kind == Change::Kind::none) continue;
    if (change.kind != Change::Kind::remove || (table != no_table && change.table != table)) return false;
    table = change.table;
    removed_.push_back(change.entity);
  }
  if (removed_.empty()) return false;
  runs_.remove_many(removed_, table);
  return true;
}

// Where entities end, each after its rows, and nothing else happens: nothing is said of the rows. False, and nothing is
// written, where it is not so.
bool TransactionDelta::write_ends(Changes changes) {
  using Kind = Change::Kind;
  clear_for_reuse(removed_);
  Entity loses_rows;
  for (const Change& change : changes) {
    if (change.kind != Kind::remove && change.kind != Kind::destroy) return false;
    if (loses_rows && change.entity != loses_rows) return false;
    loses_rows = change.kind == Kind::remove ? change.entity : Entity();
    if (change.kind == Kind::destroy) removed_.push_back(change.entity);
  }
  if (loses_rows || removed_.empty()) return false;
  runs_.destroy_many(removed_);
  return true;
}

// Entities of one archetype stand side by side, in the order in which they came: what is written is whole columns of
// them, chunk by chunk.
std::size_t TransactionDelta::write_additions(const WriteBuffer& buffer, std::vector<std::byte>& out) {
  const Changes changes = buffer.changes().changes();
  const auto tables_of = [&](const Additions& some) {
    return std::span(tables_).subspan(some.tables, some.table_count);
  };
  auto some = additions_.begin();
  std::uint32_t at = 0;  // of these
  for (bool is_first = true; some != additions_.end(); is_first = false) {
    const std::span<const TableId> tables = tables_of(*some);
    const Entity entity = changes[some->at + at].entity;
    const RunCode code = code_of(buffer, changes[some->at + at]);
    const detail::EntitySlot& slot = *detail::find_alive(buffer.root(), entity);
    rows_.clear();
    for (const TableId table : tables) rows_.push_back({table, row_of(buffer, entity, slot, table)});
    const auto is_sparse = [&](TableId table) {
      return world_.tables[to_index(table)].sparse != detail::WorldInfo::dense;
    };
    // Rows of one sparse table stand side by side, too; those of several need not in the same order.
    const bool is_packed = code == RunCode::insert && tables.size() == 1 && is_sparse(tables[0]);
    const detail::ChunkStore& store =
        is_packed ? *detail::sparse_at(buffer.root(), world_.tables[to_index(tables[0])].sparse).rows
                  : detail::archetype_at(buffer.root(), slot.archetype - 1);
    const std::uint32_t row = is_packed ? changes[some->at + at].row : slot.row;
    const bool is_together = is_packed || std::ranges::none_of(tables, is_sparse);
    const std::uint32_t in_chunk = row & (store.shape->chunk_rows() - 1);
    const std::uint32_t room = is_together ? std::min(store.shape->chunk_rows() - in_chunk, store.rows - row) : 1;
    const Entity* const entities = store.entities(row >> store.shape->row_bits).data() + in_chunk;
    std::uint32_t count = 0;
    while (true) {
      ++count;
      if (++at == some->count) {
        at = 0;
        ++some;
        if (some == additions_.end() || !std::ranges::equal(tables_of(*some), tables)) break;
      }
      const Change& next = changes[some->at + at];
      if (count == room || entities[count] != next.entity || code_of(buffer, next) != code) break;
    }
    if (is_first && some == additions_.end() && runs_.can_write_alone()) {
      return runs_.begin_alone(code, {entities, count}, tables, rows_, out);
    }
    runs_.begin_many(code, {entities, count}, rows_);
  }
  return runs_.finish(out);
}

// Sets touched_, in the order in which each was first touched, and next_.
void TransactionDelta::link(Changes changes) {
  clear_for_reuse(touched_);
  clear_for_reuse(next_);
  clear_for_reuse(by_entity_);
  next_.resize(changes.size());
  if (changes.size() > few_changes) by_entity_.resize(std::bit_ceil(2 * changes.size()), nobody);
  found_ = 0;
  for (std::uint32_t at = 0; at < changes.size(); ++at) {
    if (!touches_cell(changes[at].kind)) continue;
    Touched& touched = find_touched(changes, at);
    next_[touched.last] = at;
    touched.last = at;
  }
}

// The entity's, a new one with that change alone where it has none yet.
TransactionDelta::Touched& TransactionDelta::find_touched(Changes changes, std::uint32_t at) {
  const Entity entity = changes[at].entity;
  const auto is_it = [&](std::uint32_t place) { return touched_[place].entity == entity; };
  // Most changes follow one of the same entity, or do to the next one what was done to this.
  for (std::uint32_t place = found_; place < touched_.size() && place <= found_ + 1; ++place) {
    if (is_it(place)) return touched_[found_ = place];
  }
  const auto add = [&] {
    found_ = static_cast<std::uint32_t>(touched_.size());
    touched_.push_back({.entity = entity, .first = at, .last = at, .placed = at, .simple = true});
  };
  if (by_entity_.empty()) {
    for (found_ = 0; found_ != touched_.size(); ++found_) {
      if (is_it(found_)) return touched_[found_];
    }
    add();
    return touched_.back();
  }
  const std::size_t mask = by_entity_.size() - 1;
  std::size_t slot = (entity.bits() * 0x9E37'79B9'7F4A'7C15U >> 32U) & mask;
  for (; by_entity_[slot] != nobody; slot = (slot + 1) & mask) {
    if (is_it(by_entity_[slot])) return touched_[found_ = by_entity_[slot]];
  }
  add();
  by_entity_[slot] = found_;
  return touched_.back();
}

// Sets what each touched one says of its chain, and sorts them by it.
void TransactionDelta::find_places(Changes changes) {
  for (Touched& touched : touched_) {
    touched.placed = touched.last;
    if (touched.first == touched.last || is_simple(changes, touched)) continue;
    if (changes[touched.last].kind == Change::Kind::destroy) continue;  // nothing is said of its rows
    touched.simple = false;
    find_cells(changes, touched);
    touched.placed = touched.first;
    for (const Cell& cell : cells_) touched.placed = std::max(touched.placed, order_[cell.begin]);
  }
  if (!std::ranges::is_sorted(touched_, {}, &Touched::placed)) std::ranges::sort(touched_, {}, &Touched::placed);
}

bool TransactionDelta::is_simple(Changes changes, const Touched& touched) const {
  for (std::uint32_t at = touched.first; at != touched.last; at = next_[at]) {
    if (table_order(changes[at]) >= table_order(changes[next_[at]])) return false;
  }
  return true;
}

void TransactionDelta::find_cells(Changes changes, const Touched& touched) {
  clear_for_reuse(order_);
  for (std::uint32_t at = touched.first; at != touched.last; at = next_[at]) order_.push_back(at);
  order_.push_back(touched.last);
  std::ranges::sort(order_, {}, [&](std::uint32_t at) { return std::pair(table_order(changes[at]), at); });
  cells_.clear();
  for (std::uint32_t place = 0; place != order_.size(); ++place) {
    const TableId table = changes[order_[place]].table;
    if (cells_.empty() || cells_.back().table != table) cells_.push_back({table, place, place});
    cells_.back().end = place + 1;
  }
}

// The last image that is a whole row, or the row as it is, with the bytes of the updates before it put back.
const std::byte* TransactionDelta::row_before(const WriteBuffer& buffer, Entity entity, const Cell& cell) {
  const auto changes = buffer.changes().changes();
  const auto touches = std::span(order_).subspan(cell.begin, cell.end - cell.begin);
  if (changes[touches.front()].kind == Change::Kind::insert) return nullptr;
  const TableModel& table = world_.model(cell.table);
  const std::byte* base = buffer.find_row(cell.table, entity);
  std::size_t updates = 0;
  while (updates < touches.size() && changes[touches[updates]].kind != Change::Kind::remove) ++updates;
  if (updates != touches.size()) base = buffer.changes().image(changes[touches[updates]]);
  if (table.bytes == 0) return &detail::tag_row;  // an image of no bytes may have no address
  std::memcpy(row_.data(), base, table.bytes);
  // Of several updates of a byte the first one has what it was: they are put back from the last to the first.
  while (updates-- != 0) {
    const Change& change = changes[touches[updates]];
    std::memcpy(row_.data() + change.offset, buffer.changes().image(change), change.image_bytes);
  }
  return row_.data();
}

// The same where that update is all that happened to the row, which is `after` now.
const std::byte* TransactionDelta::row_before(const WriteBuffer& buffer, const Change& update, const std::byte* after) {
  const TableModel& table = world_.model(update.table);
  const std::byte* image = buffer.changes().image(update);
  if (update.image_bytes == table.bytes && table.blobs.empty()) return image;
  std::memcpy(row_.data(), after, table.bytes);
  std::memcpy(row_.data() + update.offset, image, update.image_bytes);
  return row_.data();
}

std::size_t TransactionDelta::encode(const WriteBuffer& buffer, std::vector<std::byte>& out) {
  const Changes changes = buffer.changes().changes();
  runs_.clear();
  if (is_one_beginning(changes) && runs_.can_write_alone()) return write_one_beginning(buffer, out);
  if (find_additions(changes)) return write_additions(buffer, out);
  if (write_removals(changes) || write_ends(changes)) return runs_.finish(out);
  if (changes.size() == 1 && changes[0].kind == Change::Kind::update && runs_.can_write_alone()) {
    const Change& update = changes[0];
    const std::byte* after = buffer.find_row(update.table, update.entity);
    return runs_.update_alone(update.entity, update.table, row_before(buffer, update, after), after, out);
  }
  link(changes);
  find_places(changes);
  for (const Touched& touched : touched_) write_entity(buffer, touched);
  write_pages(buffer);
  return runs_.finish(out);
}

void TransactionDelta::write_entity(const WriteBuffer& buffer, const Touched& touched) {
  const bool begun = buffer.changes().changes()[touched.first].kind == Change::Kind::create;
  const detail::EntitySlot* slot = detail::find_alive(buffer.root(), touched.entity);
  if (slot == nullptr) {
    begun ? runs_.raise_floors(touched.entity) : runs_.destroy(touched.entity);
  } else if (begun) {
    write_begun(buffer, touched, *slot);
  } else if (touched.simple) {
    write_simple(buffer, touched, *slot);
  } else {
    write_cells(buffer, touched);
  }
}

void TransactionDelta::write_begun(const WriteBuffer& buffer, const Touched& touched, const detail::EntitySlot& slot) {
  const Changes changes = buffer.changes().changes();
  rows_.clear();
  const auto add = [&](TableId table) {
    if (table == no_table) return;
    if (const std::byte* row = row_of(buffer, touched.entity, slot, table)) rows_.push_back({table, row});
  };
  if (touched.simple) {
    for (std::uint32_t at = touched.first; at != touched.last; at = next_[at]) add(changes[at].table);
    add(changes[touched.last].table);
  } else {
    find_cells(changes, touched);
    for (const Cell& cell : cells_) add(cell.table);
  }
  runs_.begin_many(code_of(buffer, changes[touched.first]), {&touched.entity, 1}, rows_);
}

void TransactionDelta::write_simple(const WriteBuffer& buffer, const Touched& touched, const detail::EntitySlot& slot) {
  const Changes changes = buffer.changes().changes();
  rows_.clear();
  for (std::uint32_t at = touched.first;; at = next_[at]) {
    const Change& change = changes[at];
    if (change.kind == Change::Kind::remove) {
      runs_.remove(touched.entity, change.table);
    } else {
      const std::byte* after = row_of(buffer, touched.entity, slot, change.table);
      if (change.kind == Change::Kind::insert) {
        rows_.push_back({change.table, after});
      } else {
        runs_.update(touched.entity, change.table, row_before(buffer, change, after), after);
      }
    }
    if (at == touched.last) break;
  }
  if (!rows_.empty()) runs_.insert(touched.entity, rows_);
}

void TransactionDelta::write_cells(const WriteBuffer& buffer, const Touched& touched) {
  find_cells(buffer.changes().changes(), touched);
  rows_.clear();
  for (const Cell& cell : cells_) {
    if (cell.table == no_table) continue;
    const std::byte* after = buffer.find_row(cell.table, touched.entity);
    const std::byte* before = row_before(buffer, touched.entity, cell);
    if (before == nullptr && after != nullptr) rows_.push_back({cell.table, after});
    if (before != nullptr && after == nullptr) runs_.remove(touched.entity, cell.table);
    if (before != nullptr && after != nullptr) runs_.update(touched.entity, cell.table, before, after);
  }
  if (!rows_.empty()) runs_.insert(touched.entity, rows_);
}

void TransactionDelta::write_pages(const WriteBuffer& buffer) {
  each_replaced_column(buffer, [&](const ReplacedColumn& column) {
    runs_.update_column(column.entities, column.table, column.before, column.after);
    return true;
  });
}

}  // namespace stoa::delta
