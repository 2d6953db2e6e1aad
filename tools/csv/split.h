// One record's bytes into cells: the grammar of RFC 4180, and nothing else. Not here: where the bytes come from, UTF-8,
// line numbers, how many cells there should be.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace stoa::csv {

/// The cells of one record, reused for the next.
struct Cells {
  std::vector<std::string_view> views;  ///< without the quotes around them; doubled quotes still doubled
  std::vector<std::size_t> doubled;     ///< indices of the views that hold doubled quotes

  void clear() {
    views.clear();
    doubled.clear();
  }
};

enum class SplitResult {
  record,                ///< complete
  incomplete,            ///< the input ends before the record does, and more input may follow
  quote_in_plain_cell,   ///< a quote in a cell that does not begin with one
  text_after_quote,      ///< something other than a comma or a line break after the closing quote
  lone_carriage_return,  ///< outside quotes and not before a line feed
  unclosed_quote,        ///< the input ends, for good, within quotes
};

struct Split {
  SplitResult result;
  std::size_t at;      ///< record: its size with its line break; a fault: the byte's offset (unclosed: of its quote)
  bool plain = false;  ///< record: one line, known to have neither quotes nor control characters
  bool ascii = false;  ///< record: plain, and ASCII
};

/// Splits the record at the front of `input` into `cells`; after a fault these are the cells before the faulty one. A
/// record or a fault once found does not depend on what follows its bytes.
///
/// Requires: 8 bytes after `input` can be read, of any value; `at_end`: nothing follows `input`.
/// Lifetime: the views point into `input`.
[[nodiscard]] Split split_record(std::string_view input, bool at_end, Cells& cells);

}  // namespace stoa::csv
