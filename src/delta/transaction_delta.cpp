#include "delta/transaction_delta.h"

#include "base/reuse.h"
#include "delta/varint.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <tuple>

namespace stoa::delta {
namespace {

using storage::Change;
using storage::WriteBuffer;

void put_head(std::vector<std::byte>& out, OpCode code, Entity entity) {
  out.push_back(static_cast<std::byte>(code));
  put_varint(out, entity.index());
  put_varint(out, entity.generation());
}

bool equal_field(const FieldModel& field, const std::vector<std::uint32_t>& blobs, const std::byte* a,
                 const std::byte* b) {
  const std::uint32_t end = field.offset + field.bytes;
  std::uint32_t at = field.offset;
  for (std::uint32_t blob : blobs) {
    if (blob < field.offset || blob >= end) continue;
    if (std::memcmp(a + at, b + at, blob - at) != 0) return false;
    const auto* left = reinterpret_cast<const detail::TextCell*>(a + blob);
    const auto* right = reinterpret_cast<const detail::TextCell*>(b + blob);
    if (*left != *right) return false;
    at = blob + static_cast<std::uint32_t>(sizeof(detail::TextCell));
  }
  return std::memcmp(a + at, b + at, end - at) == 0;
}

bool equal_row(const TableModel& table, const std::byte* a, const std::byte* b) {
  return std::all_of(table.fields.begin(), table.fields.end(),
                     [&](const FieldModel& field) { return equal_field(field, table.blobs, a, b); });
}

}  // namespace

TransactionDelta::TransactionDelta(const detail::WorldInfo& world) : world_(world), row_(row_bytes_max) {
  for (const TableModel& table : world.schema->model().tables) row_bytes_.emplace_back(table);
}

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
    case Change::Kind::none:
    case Change::Kind::move: break;
  }
  group(buffer);
  for (const Cell& cell : cells_) {
    if (cell.table == no_table) {
      const bool begun = log.changes()[order_[cell.begin]].kind == Change::Kind::create;
      if (begun == buffer.alive(cell.entity)) return true;  // begun and there, or ended and was there
      continue;
    }
    const std::byte* after = buffer.find_row(cell.table, cell.entity);
    const std::byte* before = row_before(buffer, cell);
    if ((before == nullptr) != (after == nullptr)) return true;
    if (after != nullptr && !equal_row(world_.model(cell.table), before, after)) return true;
  }
  return pages_differ(buffer);
}

// A column that was replaced, compared with what it was at first. Its rows have not moved since: those of a transaction
// that does anything else are told one by one.
bool TransactionDelta::pages_differ(const WriteBuffer& buffer) {
  std::set<std::tuple<std::uint32_t, std::uint32_t, TableId>> seen;
  for (const Change& change : buffer.changes().changes()) {
    if (change.kind != Change::Kind::page || change.rows_told) continue;
    if (!seen.emplace(change.store, change.row, change.table).second) continue;
    const detail::ChunkStore& store = detail::archetype_at(buffer.root(), change.store);
    if (change.row >= store.chunk_count()) return true;
    const std::byte* before = nullptr;
    std::memcpy(&before, buffer.changes().image(change), sizeof before);
    const std::uint16_t column = store.shape->column(change.table);
    const std::size_t bytes = std::size_t{store.rows_in(change.row)} * store.shape->columns[column].cell_bytes;
    if (std::memcmp(before, store.chunk_column(change.row, column), bytes) != 0) return true;
  }
  return false;
}

// Sorted rather than hashed: most logs are in order already, and a sort needs no memory of its own.
void TransactionDelta::group(const WriteBuffer& buffer) {
  const auto changes = buffer.changes().changes();
  const auto touches_cell = [](const Change& change) {
    return change.kind != Change::Kind::none && change.kind != Change::Kind::move && change.kind != Change::Kind::page;
  };
  // An entity's own being, whose table is no_table, comes before its rows: the sum wraps to 0.
  const auto place = [&](std::uint32_t at) {
    const Change& change = changes[at];
    return std::tuple(change.entity.bits(), static_cast<std::uint16_t>(to_index(change.table) + 1), at);
  };
  clear_for_reuse(order_);
  for (std::uint32_t at = 0; at < changes.size(); ++at) {
    if (touches_cell(changes[at])) order_.push_back(at);
  }
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) { return place(a) < place(b); });
  clear_for_reuse(cells_);
  for (std::uint32_t at = 0; at < order_.size(); ++at) {
    const Change& change = changes[order_[at]];
    if (cells_.empty() || cells_.back().entity != change.entity || cells_.back().table != change.table) {
      cells_.push_back({change.table, change.entity, at, at});
    }
    cells_.back().end = at + 1;
  }
  // As they were first touched: a replayed log puts rows in the order in which they came.
  std::sort(cells_.begin(), cells_.end(),
            [&](const Cell& a, const Cell& b) { return order_[a.begin] < order_[b.begin]; });
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

void TransactionDelta::encode(const WriteBuffer& buffer, std::vector<std::byte>& out) {
  group(buffer);
  const auto changes = buffer.changes().changes();
  // Entities that end come first: nothing that follows is of theirs.
  for (const Cell& cell : cells_) {
    if (cell.table == no_table && changes[order_[cell.begin]].kind == Change::Kind::destroy) {
      put_head(out, OpCode::delete_entity, cell.entity);
    }
  }
  for (const Cell& cell : cells_) {
    if (cell.table == no_table) {
      if (changes[order_[cell.begin]].kind == Change::Kind::create && buffer.alive(cell.entity)) {
        put_head(out, OpCode::create_entity, cell.entity);
      }
    } else if (buffer.alive(cell.entity) && world_.model(cell.table).logged) {
      encode_row(buffer, cell, out);
    }
  }
}

void TransactionDelta::encode_row(const WriteBuffer& buffer, const Cell& cell, std::vector<std::byte>& out) {
  const TableModel& table = world_.model(cell.table);
  const std::byte* after = buffer.find_row(cell.table, cell.entity);
  const std::byte* before = row_before(buffer, cell);
  if (after == nullptr) {
    if (before == nullptr) return;
    put_head(out, OpCode::remove, cell.entity);
    put_varint(out, to_index(cell.table));
  } else if (before == nullptr) {
    put_head(out, OpCode::insert, cell.entity);
    put_varint(out, to_index(cell.table));
    row_bytes_[to_index(cell.table)].encode(after, out);
  } else {
    encode_update(table, cell.entity, before, after, out);
  }
}

void TransactionDelta::encode_update(const TableModel& table, Entity entity, const std::byte* before,
                                     const std::byte* after, std::vector<std::byte>& out) {
  std::uint64_t count = 0;
  for (const FieldModel& field : table.fields) count += equal_field(field, table.blobs, before, after) ? 0 : 1;
  if (count == 0) return;
  put_head(out, OpCode::update, entity);
  put_varint(out, to_index(table.number));
  put_varint(out, count);
  for (const FieldModel& field : table.fields) {
    if (equal_field(field, table.blobs, before, after)) continue;
    put_varint(out, to_index(field.number));
    row_bytes_[to_index(table.number)].encode_field(field.number, after, out);
  }
}

}  // namespace stoa::delta
