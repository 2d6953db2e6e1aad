#include "delta/plain_rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace stoa::delta {
namespace {

using schema::RowBytes;

constexpr std::size_t word_bytes = 4;

template <typename T>
bool differ(const std::byte* a, const std::byte* b) noexcept {
  T was;
  T is;
  std::memcpy(&was, a, sizeof was);
  std::memcpy(&is, b, sizeof is);
  return was != is;
}

// How many words from `from` on are in `b` other than in `a`, or not, as the word `back` words before each is.
std::size_t alike_to_those_before(const std::byte* a, const std::byte* b, std::size_t from, std::size_t words,
                                  std::size_t back) noexcept {
  const auto differs = [&](std::size_t at) {
    return static_cast<unsigned>(differ<std::uint32_t>(a + at * word_bytes, b + at * word_bytes));
  };
  constexpr std::size_t block = 32;  // a constant, and no way out of it, for the compiler to take it in wide registers
  std::size_t at = from;
  for (; at + block <= words; at += block) {
    unsigned other = 0;
    for (std::size_t i = 0; i != block; ++i) other |= differs(at + i) ^ differs(at + i - back);
    if (other != 0) break;
  }
  while (at != words && differs(at) == differs(at - back)) ++at;
  return at - from;
}

}  // namespace

PlainRows::PlainRows(const RowBytes& row) : row_bytes_(row.row_bytes()) {
  std::size_t bytes_of_all = 0;
  for (const std::uint16_t field : row.by_place()) {
    const auto pieces = row.pieces(field);
    if (pieces.size() != 1 || pieces[0].bytes == 0 || pieces[0].bytes > sizeof(std::uint64_t)) return;
    fields_.push_back(pieces[0]);
    bytes_of_all += pieces[0].bytes;
  }
  apply_ = !fields_.empty() && fields_.size() <= fields_max;
  are_the_row_ = bytes_of_all == row_bytes_;
  whole_words_ = row_bytes_ % word_bytes == 0 && std::ranges::all_of(fields_, [](const RowBytes::Piece& field) {
                   return field.offset % word_bytes == 0 && field.bytes % word_bytes == 0;
                 });
}

PlainRows::Fields PlainRows::changed(const std::byte* before, const std::byte* after) const noexcept {
  Fields out = 0;
  Fields bit = 1;
  for (const auto [offset, bytes] : fields_) {
    const std::byte* const a = before + offset;
    const std::byte* const b = after + offset;
    const bool other = bytes == 4   ? differ<std::uint32_t>(a, b)
                       : bytes == 8 ? differ<std::uint64_t>(a, b)
                                    : std::memcmp(a, b, bytes) != 0;
    out |= other ? bit : 0;
    bit <<= 1U;
  }
  return out;
}

void PlainRows::changed_each(const std::byte* before, const std::byte* after, std::size_t count,
                             Fields* out) const noexcept {
  std::fill_n(out, count, 0);
  for (std::size_t i = 0; i != fields_.size(); ++i) {
    const std::byte* const a = before + fields_[i].offset;
    const std::byte* const b = after + fields_[i].offset;
    const auto look = [&](const auto& differs) {
      for (std::size_t row = 0; row != count; ++row) {
        out[row] |= static_cast<Fields>(differs(a + row * row_bytes_, b + row * row_bytes_)) << i;
      }
    };
    switch (const std::size_t bytes = fields_[i].bytes) {
      case 4: look(differ<std::uint32_t>); break;
      case 8: look(differ<std::uint64_t>); break;
      default: look([&](const std::byte* x, const std::byte* y) { return std::memcmp(x, y, bytes) != 0; }); break;
    }
  }
}

std::size_t PlainRows::changed_alike(const std::byte* before, const std::byte* after,
                                     std::size_t count) const noexcept {
  if (!whole_words_) return 1;
  const std::size_t row_words = row_bytes_ / word_bytes;
  return 1 + alike_to_those_before(before, after, row_words, count * row_words, row_words) / row_words;
}

void PlainRows::append(Fields fields, const std::byte* first, std::size_t count, std::vector<std::byte>& out) const {
  if (are_the_row_ && std::popcount(fields) == static_cast<int>(fields_.size())) {
    out.insert(out.end(), first, first + count * row_bytes_);
    return;
  }
  append_each(fields, out,
              [&, row = std::size_t{0}]() mutable { return row == count ? nullptr : first + row++ * row_bytes_; });
}

void PlainRows::append_some(Fields fields, const std::byte* first, std::uint64_t rows,
                            std::vector<std::byte>& out) const {
  append_each(fields, out, [&]() -> const std::byte* {
    if (rows == 0) return nullptr;
    const auto row = static_cast<std::size_t>(std::countr_zero(rows));
    rows &= rows - 1;
    return first + row * row_bytes_;
  });
}

template <typename Next>
void PlainRows::append_each(Fields fields, std::vector<std::byte>& out, Next next) const {
  constexpr std::size_t row_max = fields_max * sizeof(std::uint64_t);
  std::array<std::byte, 2 * row_max> bytes;
  std::byte* end = bytes.data();
  while (const std::byte* row = next()) {
    if (end > bytes.data() + row_max) {
      out.insert(out.end(), bytes.data(), end);
      end = bytes.data();
    }
    for (Fields left = fields; left != 0; left &= left - 1) {
      const auto field = fields_[static_cast<std::size_t>(std::countr_zero(left))];
      if (field.bytes == 4) {
        std::memcpy(end, row + field.offset, 4);
      } else {
        std::memcpy(end, row + field.offset, field.bytes);
      }
      end += field.bytes;
    }
  }
  out.insert(out.end(), bytes.data(), end);
}

}  // namespace stoa::delta
