// What rows are made of: their bytes, and the texts in them.
#include "base/copy_few.h"
#include "schema/row_codec.h"
#include "storage/write_buffer.h"

#include <algorithm>
#include <cstring>

namespace stoa::storage {
namespace {

using detail::TextCell;

TextCell load_text(const std::byte* at) {
  TextCell out;
  std::memcpy(static_cast<void*>(&out), at, sizeof out);
  return out;
}

bool within(std::uint32_t at, std::uint32_t offset, std::uint32_t bytes) { return at >= offset && at < offset + bytes; }

// Whether [offset, offset + bytes) of `row` equals `range`, texts by content.
bool equal_range(const TableModel& table, const std::byte* row, std::uint32_t offset, std::uint32_t bytes,
                 const std::byte* range) {
  std::uint32_t at = 0;
  for (std::uint32_t blob : table.blobs) {
    if (!within(blob, offset, bytes)) continue;
    const std::uint32_t text = blob - offset;
    if (std::memcmp(row + offset + at, range + at, text - at) != 0) return false;
    if (load_text(row + blob) != load_text(range + text)) return false;
    at = text + static_cast<std::uint32_t>(sizeof(TextCell));
  }
  return std::memcmp(row + offset + at, range + at, bytes - at) == 0;
}

}  // namespace

bool WriteBuffer::equal_rows(TableId table, const std::byte* a, const std::byte* b) const noexcept {
  const TableModel& model = world_.model(table);
  return equal_range(model, a, 0, model.bytes, b);
}

// Its insert is recorded.
void WriteBuffer::write_new_row(TableId table, Entity entity, std::byte* cell, const std::byte* row) {
  const TableModel& model = world_.model(table);
  if (model.blobs.empty()) {
    copy_few(cell, row, model.bytes);
  } else {
    std::memset(cell, 0, model.bytes);
    std::memcpy(scratch_.data(), row, model.bytes);
    adopt_blobs(model, scratch_.data(), 0, model.bytes, cell);
    std::memcpy(cell, scratch_.data(), model.bytes);
  }
  if (indexes_.covers(table)) indexes_.row_added(table, entity, cell);
}

// Makes [offset, offset + bytes) of a row equal to `range`, unless it is already.
void WriteBuffer::write_range(TableId table, Entity entity, std::uint32_t offset, std::uint32_t bytes,
                              const std::byte* range) {
  const TableModel& model = world_.model(table);
  if (bytes == 0 || equal_range(model, find_row(table, entity), offset, bytes, range)) return;
  log_.reserve(1, bytes);
  std::byte* row = edit_row(table, entity);
  log_.push({.kind = Change::Kind::update, .table = table, .offset = offset, .entity = entity}, row + offset, bytes);
  const bool indexed = indexes_.covers(table);
  if (model.blobs.empty() && !indexed) {
    std::memcpy(row + offset, range, bytes);
    return;
  }
  std::memcpy(scratch_.data(), row, model.bytes);
  std::memcpy(scratch_.data() + offset, range, bytes);
  adopt_blobs(model, scratch_.data(), offset, bytes, row);
  std::swap_ranges(row, row + model.bytes, scratch_.data());  // scratch_ is the old row now
  if (indexed) indexes_.row_changed(table, entity, scratch_.data(), row);
}

// A whole row was checked by who wrote it down; of a field only what it has by itself was.
bool WriteBuffer::texts_fit(const TableModel& table, const std::byte* row, std::uint32_t offset, std::uint32_t bytes,
                            const std::byte* range) noexcept {
  if (table.blobs.size() * blob_bytes_max <= schema::row_blob_bytes_max) return true;
  std::uint64_t together = 0;
  for (std::uint32_t at : table.blobs) {
    together += load_text(within(at, offset, bytes) ? range + at - offset : row + at).size();
  }
  return together <= schema::row_blob_bytes_max;
}

// Texts of the row, borrowed so far, come into blobs of the pool; those equal to what was there keep their blob.
void WriteBuffer::adopt_blobs(const TableModel& table, std::byte* row, std::uint32_t offset, std::uint32_t bytes,
                              const std::byte* before) {
  for (std::uint32_t at : table.blobs) {
    if (!within(at, offset, bytes)) continue;
    const TextCell borrowed = load_text(row + at);
    const TextCell old = load_text(before + at);
    if (borrowed == old) {
      std::memcpy(row + at, before + at, sizeof(TextCell));
      continue;
    }
    log_.reserve_blobs(1);
    if (!borrowed.is_inline()) {
      auto* blob = static_cast<char*>(pages_.allocate(borrowed.size()));
      log_.blob_born(blob, borrowed.size());
      std::memcpy(blob, borrowed.data(), borrowed.size());
      const TextCell own(blob, borrowed.size());
      std::memcpy(row + at, &own, sizeof own);
    }
    if (!old.is_inline()) log_.blob_gone(old.data(), table.number);
  }
}

void WriteBuffer::let_go_of_blobs(const TableModel& table, const std::byte* row) {
  for (std::uint32_t at : table.blobs) {
    const TextCell text = load_text(row + at);
    if (!text.is_inline()) log_.blob_gone(text.data(), table.number);
  }
}

}  // namespace stoa::storage
