#include "csv/split.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace stoa::csv {
namespace {

// Eight bytes at a time in an ordinary register: fast everywhere, without a processor's own instructions. The lowest
// byte of the word is the first in memory.
static_assert(std::endian::native == std::endian::little);
using Word = std::uint64_t;
constexpr std::size_t word_bytes = sizeof(Word);

constexpr Word all(unsigned char byte) { return Word{0x0101'0101'0101'0101} * byte; }

// True where any byte is a quote or a control character: then the record is not a plain one.
constexpr bool has_special(Word word) {
  const Word quotes = word ^ all('"');
  const Word quote_found = (quotes - all(1)) & ~quotes;
  const Word control_found = (word - all(' ')) & ~word;
  return ((quote_found | control_found) & all(0x80)) != 0;
}

// The top bit of each byte that is a comma, and no other bit.
constexpr Word find_commas(Word word) {
  const Word commas = word ^ all(',');
  return ~(((commas & all(0x7F)) + all(0x7F)) | commas | all(0x7F));
}

// Splits a line that has neither quotes nor control characters; false, with `cells` half filled, if it has.
bool split_plain(const char* at, const char* end, Cells& cells, bool& ascii) {
  const char* cell = at;
  Word seen = 0;
  for (; at < end; at += word_bytes) {
    Word word = 0;
    std::memcpy(&word, at, word_bytes);
    if (const auto left = static_cast<std::size_t>(end - at); left < word_bytes) {
      const Word beyond = ~Word{0} << (left * 8);
      word = (word & ~beyond) | (all(' ') & beyond);
    }
    if (has_special(word)) return false;
    seen |= word;
    for (Word commas = find_commas(word); commas != 0; commas &= commas - 1) {
      const char* comma = at + std::countr_zero(commas) / 8;
      cells.views.emplace_back(cell, comma);
      cell = comma + 1;
    }
  }
  cells.views.emplace_back(cell, end);
  ascii = (seen & all(0x80)) == 0;
  return true;
}

// The general grammar: one pass, a cell at a time.
class Splitter {
 public:
  Splitter(std::string_view input, bool at_end, Cells& cells)
      : begin_(input.data()), end_(begin_ + input.size()), at_(begin_), at_end_(at_end), cells_(cells) {}

  Split run() {
    for (;;) {
      const SplitResult cell = at_ != end_ && *at_ == '"' ? quoted_cell() : plain_cell();
      if (cell != SplitResult::record) return result(cell);
      if (at_ != end_ && *at_ == ',') {
        ++at_;
        continue;
      }
      return result(line_break());
    }
  }

 private:
  Split result(SplitResult result) const { return {result, static_cast<std::size_t>(at_ - begin_)}; }

  // Moves to the byte after the cell; on a fault, to the byte at fault. A cell that the input's end cuts off is taken
  // as complete: line_break() then sees that the record is not.
  SplitResult plain_cell() {
    const char* cell = at_;
    while (at_ != end_ && *at_ != ',' && *at_ != '\n' && *at_ != '\r') {
      if (*at_ == '"') return SplitResult::quote_in_plain_cell;
      ++at_;
    }
    cells_.views.emplace_back(cell, at_);
    return SplitResult::record;
  }

  SplitResult quoted_cell() {
    const char* cell = at_ + 1;
    bool doubled = false;
    for (const char* scan = cell;; scan += 2) {
      const auto* quote = static_cast<const char*>(std::memchr(scan, '"', static_cast<std::size_t>(end_ - scan)));
      if (quote == nullptr) return at_end_ ? SplitResult::unclosed_quote : SplitResult::incomplete;
      if (quote + 1 == end_ || quote[1] != '"') {
        at_ = quote + 1;
        if (at_ != end_ && *at_ != ',' && *at_ != '\n' && *at_ != '\r') return SplitResult::text_after_quote;
        if (doubled) cells_.doubled.push_back(cells_.views.size());
        cells_.views.emplace_back(cell, quote);
        return SplitResult::record;
      }
      doubled = true;
      scan = quote;
    }
  }

  // Moves past the line break; the end of all input is one.
  SplitResult line_break() {
    if (at_ == end_) return at_end_ ? SplitResult::record : SplitResult::incomplete;
    if (*at_ == '\r') {
      if (at_ + 1 == end_ && !at_end_) return SplitResult::incomplete;
      if (at_ + 1 == end_ || at_[1] != '\n') {
        cells_.views.pop_back();  // it is a byte of this cell, which is thereby the faulty one
        return SplitResult::lone_carriage_return;
      }
      ++at_;
    }
    ++at_;
    return SplitResult::record;
  }

  const char* begin_;
  const char* end_;
  const char* at_;
  bool at_end_;
  Cells& cells_;
};

}  // namespace

Split split_record(std::string_view input, bool at_end, Cells& cells) {
  const char* begin = input.data();
  const auto* line_feed = static_cast<const char*>(std::memchr(begin, '\n', input.size()));
  if (line_feed != nullptr || at_end) {
    const char* end = line_feed != nullptr ? line_feed : begin + input.size();
    const char* text_end = line_feed != nullptr && end != begin && end[-1] == '\r' ? end - 1 : end;
    const std::size_t bytes = static_cast<std::size_t>(end - begin) + (line_feed != nullptr ? 1 : 0);
    cells.clear();
    bool ascii = false;
    if (split_plain(begin, text_end, cells, ascii)) return {SplitResult::record, bytes, true, ascii};
  }
  cells.clear();
  return Splitter(input, at_end, cells).run();
}

}  // namespace stoa::csv
