#include "schema/row_bytes.h"

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

template <typename Piece>
void encode_pieces(std::span<const Piece> pieces, const std::byte* row, std::vector<std::byte>& out) {
  for (const auto [offset, bytes] : pieces) {
    if (bytes != 0) {
      put(out, row + offset, bytes);
      continue;
    }
    TextCell text;
    std::memcpy(static_cast<void*>(&text), row + offset, sizeof text);
    const std::uint32_t size = text.size();
    put(out, &size, sizeof size);
    put(out, text.data(), size);
  }
}

template <typename Piece>
bool decode_pieces(std::span<const Piece> pieces, std::span<const std::byte>& in, std::byte* row) {
  for (const auto [offset, bytes] : pieces) {
    if (bytes != 0) {
      if (in.size() < bytes) return false;
      std::memcpy(row + offset, in.data(), bytes);
      in = in.subspan(bytes);
      continue;
    }
    std::uint32_t size = 0;
    if (in.size() < sizeof size) return false;
    std::memcpy(&size, in.data(), sizeof size);
    in = in.subspan(sizeof size);
    if (size > blob_bytes_max || in.size() < size) return false;
    const TextCell text(reinterpret_cast<const char*>(in.data()), size);
    std::memcpy(row + offset, &text, sizeof text);
    in = in.subspan(size);
  }
  return true;
}

}  // namespace

RowBytes::RowBytes(const TableModel& table) {
  std::vector<const FieldModel*> by_number;
  for (const FieldModel& field : table.fields) by_number.push_back(&field);
  std::sort(by_number.begin(), by_number.end(),
            [](const FieldModel* a, const FieldModel* b) { return a->number < b->number; });
  for (const FieldModel* field : by_number) {
    first_piece_.push_back(pieces_.size());
    const std::uint32_t end = field->offset + field->bytes;
    std::uint32_t at = field->offset;
    // What of [at, until) is not padding.
    auto plain = [&](std::uint32_t until) {
      for (const ByteRun& run : table.runs) {
        const std::uint32_t from = std::max(run.offset, at);
        const std::uint32_t to = std::min(run.offset + run.bytes, until);
        if (from < to) pieces_.push_back({from, to - from});
      }
      at = until;
    };
    for (std::uint32_t blob : table.blobs) {
      if (blob < field->offset || blob >= end) continue;
      plain(blob);
      pieces_.push_back({blob, 0});
      at = blob + static_cast<std::uint32_t>(sizeof(TextCell));
    }
    plain(end);
  }
  first_piece_.push_back(pieces_.size());
}

void RowBytes::encode(const std::byte* row, std::vector<std::byte>& out) const {
  encode_pieces(std::span<const Piece>(pieces_), row, out);
}

void RowBytes::encode_field(FieldId field, const std::byte* row, std::vector<std::byte>& out) const {
  encode_pieces(pieces(field), row, out);
}

bool RowBytes::decode(std::span<const std::byte>& in, std::byte* row) const {
  return decode_pieces(std::span<const Piece>(pieces_), in, row);
}

bool RowBytes::decode_field(FieldId field, std::span<const std::byte>& in, std::byte* row) const {
  return decode_pieces(pieces(field), in, row);
}

}  // namespace stoa::schema
