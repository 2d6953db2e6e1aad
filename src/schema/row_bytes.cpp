#include "schema/row_bytes.h"

#include "base/varint.h"

#include <stoa/text.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace stoa::schema {
namespace {

using detail::TextCell;

static_assert(std::endian::native == std::endian::little, "cells are copied as they are; a big-endian port swaps here");

void put(std::vector<std::byte>& out, const void* from, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(from);
  out.insert(out.end(), at, at + bytes);
}

}  // namespace

RowBytes::RowBytes(const TableModel& table) : row_bytes_(table.bytes) {
  for (const std::uint16_t at : table.by_number) {
    const FieldModel& field = table.fields[at];
    first_piece_.push_back(pieces_.size());
    const std::uint32_t end = field.offset + field.bytes;
    std::uint32_t from = field.offset;
    // What of [from, until) is not padding.
    auto plain = [&](std::uint32_t until) {
      for (const ByteRun& run : table.runs) {
        const std::uint32_t begin = std::max(run.offset, from);
        const std::uint32_t stop = std::min(run.offset + run.bytes, until);
        if (begin < stop) pieces_.push_back({begin, stop - begin});
      }
      from = until;
    };
    for (std::uint32_t blob : table.blobs) {
      if (blob < field.offset || blob >= end) continue;
      plain(blob);
      pieces_.push_back({blob, 0});
      from = blob + static_cast<std::uint32_t>(sizeof(TextCell));
    }
    plain(end);
  }
  find_out();
}

RowBytes::RowBytes(std::span<const std::vector<Piece>> fields, std::uint32_t row_bytes) : row_bytes_(row_bytes) {
  for (const std::vector<Piece>& field : fields) {
    first_piece_.push_back(pieces_.size());
    pieces_.insert(pieces_.end(), field.begin(), field.end());
  }
  find_out();
}

void RowBytes::find_out() {
  first_piece_.push_back(pieces_.size());
  std::size_t bytes = 0;
  are_the_row_ = true;
  bool has_texts = false;
  for (std::uint16_t field = 0; field + std::size_t{1} != first_piece_.size(); ++field) {
    by_number_.push_back(field);
    for (const Piece& piece : pieces(field)) {
      are_the_row_ = are_the_row_ && piece.bytes != 0 && piece.offset == bytes;
      bytes += piece.bytes;
      has_texts = has_texts || piece.bytes == 0;
      if (!row_pieces_.empty() && row_pieces_.back().offset + row_pieces_.back().bytes == piece.offset) {
        row_pieces_.back().bytes += piece.bytes;
      } else {
        row_pieces_.push_back(piece);
      }
    }
  }
  are_the_row_ = are_the_row_ && bytes == row_bytes_;
  if (has_texts) row_pieces_.clear();
  by_place_ = by_number_;
  std::ranges::stable_sort(by_place_, {}, [this](std::uint16_t field) { return pieces(field).front().offset; });
}

std::optional<std::size_t> RowBytes::fixed_bytes(Fields fields) const {
  std::size_t sum = 0;
  for (const std::uint16_t field : fields) {
    for (const auto [offset, bytes] : pieces(field)) {
      if (bytes == 0) return std::nullopt;
      sum += bytes;
    }
  }
  return sum;
}

void RowBytes::encode(Fields fields, const std::byte* row, std::vector<std::byte>& out) const {
  for (const std::uint16_t field : fields) {
    for (const auto [offset, bytes] : pieces(field)) {
      if (bytes != 0) {
        put(out, row + offset, bytes);
        continue;
      }
      TextCell text;
      std::memcpy(static_cast<void*>(&text), row + offset, sizeof text);
      put_varint(out, text.size());
      put(out, text.data(), text.size());
    }
  }
}

void RowBytes::encode_row(const std::byte* row, std::vector<std::byte>& out) const {
  if (row_pieces_.empty()) encode(all(), row, out);
  for (const auto [offset, bytes] : row_pieces_) put(out, row + offset, bytes);
}

void RowBytes::encode_rows(const std::byte* first, std::size_t count, std::vector<std::byte>& out) const {
  if (are_the_row_) {
    put(out, first, count * row_bytes_);
    return;
  }
  for (; count != 0; --count, first += row_bytes_) encode_row(first, out);
}

bool RowBytes::decode(Fields fields, std::span<const std::byte>& in, std::byte* row) const {
  for (const std::uint16_t field : fields) {
    for (const auto [offset, bytes] : pieces(field)) {
      if (bytes != 0) {
        if (in.size() < bytes) return false;
        std::memcpy(row + offset, in.data(), bytes);
        in = in.subspan(bytes);
        continue;
      }
      std::span<const std::byte> content;
      if (!take_text(in, content)) return false;
      const TextCell text(reinterpret_cast<const char*>(content.data()), content.size());
      std::memcpy(row + offset, &text, sizeof text);
    }
  }
  return true;
}

bool RowBytes::skip(Fields fields, std::span<const std::byte>& in) const {
  for (const std::uint16_t field : fields) {
    for (const auto [offset, bytes] : pieces(field)) {
      std::span<const std::byte> content;
      if (bytes == 0) {
        if (!take_text(in, content)) return false;
      } else {
        if (in.size() < bytes) return false;
        in = in.subspan(bytes);
      }
    }
  }
  return true;
}

bool take_text(std::span<const std::byte>& in, std::span<const std::byte>& text) {
  std::uint64_t size = 0;
  if (!take_varint(in, size) || size > blob_bytes_max || in.size() < size) return false;
  text = in.first(size);
  in = in.subspan(size);
  return true;
}

}  // namespace stoa::schema
