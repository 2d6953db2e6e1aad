// CSV (RFC 4180) as a stream of records, each a span of texts. Not here: the grammar (split.h), the file and its
// compression (byte_source.h), what the cells mean.
//
// What it takes: UTF-8 with or without a byte order mark; lines that end in LF or CRLF, the last one in either or in
// nothing; cells in quotes with commas, doubled quotes and line breaks. The first record is the header: names, all
// different, none empty. A line without any character is skipped, so a lone empty cell is written as "".
#pragma once

#include <stoa/error.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "csv/byte_source.h"
#include "csv/split.h"

namespace stoa::csv {

struct ReaderOptions {
  std::size_t record_bytes_max = std::size_t{1} << 20;  ///< of a record with its line break; at least 1
  std::size_t buffer_bytes = std::size_t{1} << 18;      ///< at the start; it grows to what the longest record takes
};

/// Reads records one after the other. One bad record does not stop it: next() answers what was wrong, and the one after
/// it goes on behind it.
///
/// Where it goes on: a record with the wrong number of cells, invalid UTF-8 or a NUL byte is left out alone. After a
/// fault in the quotes, a lone carriage return or a record over the limit it goes on with the next physical line after
/// the byte where that was noticed. A quote that is never closed is therefore noticed at the limit, or at the end of
/// the file, and takes all lines up to there with it; the error says which.
///
/// Threads: one at a time. No allocation per record or cell, but for errors and where a record outgrows the buffer.
class Reader {
 public:
  /// Reads the header.
  ///
  /// Errors: those of next(); invalid_argument — there is no header, or a name in it is empty or there twice.
  [[nodiscard]] static std::expected<Reader, Error> open(std::unique_ptr<ByteSource> source,
                                                         ReaderOptions options = {});

  /// Moves to the next record; false at the end of the input.
  ///
  /// Errors: invalid_argument — this record is bad; too_large — it is over the limit. After these the next call goes
  /// on.
  ///         Where failed() is true the error is the source's, and every further call answers the same.
  ///         The place has the physical line on which the record starts; as its column the number of the cell, from 1,
  ///         or 0 for the record as a whole; and the offset in the input, decompressed, of the byte at fault. Bytes
  ///         that a reason names count from 0 in their line, without the byte order mark.
  [[nodiscard]] std::expected<bool, Error> next();

  /// The cells of the record that next() moved to, as many as the header has; none before, after an error, at the end.
  ///
  /// Lifetime: views and span are valid until the next call of next(); a move of the reader keeps them.
  [[nodiscard]] std::span<const std::string_view> cells() const { return cells_.views; }
  [[nodiscard]] std::span<const std::string> header() const { return header_; }

  /// The physical line, from 1, on which the record of the last next() starts, good or bad.
  [[nodiscard]] std::uint64_t line() const { return line_; }
  /// The place of a cell of this record, by its index from 0, for what only the caller can find wrong with it.
  [[nodiscard]] Place cell_place(std::size_t index) const;

  /// True once next() has answered the source's error: nothing else will follow.
  [[nodiscard]] bool failed() const { return failed_; }

  /// For progress: of what is stored, so of the compressed file; at most a buffer ahead of the records.
  [[nodiscard]] std::uint64_t bytes_read() const { return source_->bytes_read(); }
  [[nodiscard]] std::uint64_t bytes_total() const { return source_->bytes_total(); }

 private:
  Reader(std::unique_ptr<ByteSource> source, ReaderOptions options);

  void skip_byte_order_mark();
  std::expected<void, Error> read_header();
  std::expected<bool, Error> read_record();
  void undouble_quotes();

  [[nodiscard]] Place record_place() const;
  /// `at` is an offset in `record`, which starts where record_place() is; `cell` counts from 0.
  [[nodiscard]] Error fault_at(std::string_view record, std::size_t at, std::size_t cell, std::string_view what) const;
  [[nodiscard]] std::optional<Error> find_bad_text(std::string_view record) const;

  // These make the error and move behind what is bad.
  Error pass_fault(std::string_view input, const Split& split);
  Error pass_unclosed_quote(std::string_view input, std::size_t at);
  Error pass_over_limit();
  /// Moves behind the first line break at or after the byte at `at`, an offset from begin_.
  void pass_line(std::size_t at);

  /// Requires: neither end nor error yet. Moves what is unread to the buffer's front; pointers into it end here.
  void fill();
  void grow();

  std::unique_ptr<ByteSource> source_;
  ReaderOptions options_;
  std::vector<std::string> header_;
  Cells cells_;

  std::unique_ptr<char[]> buffer_;  // with a word's room behind it, as split_record requires
  std::size_t capacity_;
  std::size_t begin_ = 0;            // of what is not yet read as records
  std::size_t end_ = 0;              // of what the source has given
  std::uint64_t buffer_offset_ = 0;  // of the buffer's front in the input
  bool source_ended_ = false;
  std::optional<Error> source_error_;  // answered after all records before it
  bool failed_ = false;

  std::uint64_t line_ = 0;
  std::uint64_t next_line_ = 1;
  std::uint64_t record_offset_ = 0;  // of the record that starts on line_
};

}  // namespace stoa::csv
