#include "csv/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "csv/shown.h"
#include "csv/utf8.h"

namespace stoa::csv {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::size_t slack_bytes = 8;  // what split_record may read past its input

std::uint64_t count_line_feeds(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string_view describe(SplitResult fault) {
  switch (fault) {
    case SplitResult::quote_in_plain_cell: return "a quote inside a cell that does not begin with one";
    case SplitResult::text_after_quote: return "text after the closing quote";
    case SplitResult::lone_carriage_return: return "a carriage return without a line feed";
    case SplitResult::unclosed_quote: return "a quote that is never closed";
    case SplitResult::record:
    case SplitResult::incomplete: break;  // no faults
  }
  return "";
}

std::string describe_lost(std::uint64_t first, std::uint64_t last) {
  return first == last ? std::string() : fmt::format("; lines {} to {} are lost", first, last);
}

}  // namespace

Reader::Reader(std::unique_ptr<ByteSource> source, ReaderOptions options)
    : source_(std::move(source)), options_(options), capacity_(std::max(options.buffer_bytes, byte_order_mark.size())) {
  assert(options_.record_bytes_max != 0);
  buffer_ = std::make_unique<char[]>(capacity_ + slack_bytes);
}

std::expected<Reader, Error> Reader::open(std::unique_ptr<ByteSource> source, ReaderOptions options) {
  Reader reader(std::move(source), options);
  reader.skip_byte_order_mark();
  if (auto header = reader.read_header(); !header) return std::unexpected(std::move(header).error());
  return reader;
}

void Reader::skip_byte_order_mark() {
  fill();
  if (std::string_view(buffer_.get(), end_).starts_with(byte_order_mark)) begin_ = byte_order_mark.size();
}

std::expected<void, Error> Reader::read_header() {
  const auto read = read_record();
  if (!read) return std::unexpected(read.error());
  if (!*read) return std::unexpected(Error(ErrorCode::invalid_argument, Place{source_->name()}, "no header line"));
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < cells_.views.size(); ++i) {
    const std::string_view name = cells_.views[i];
    if (name.empty()) {
      return std::unexpected(Error(ErrorCode::invalid_argument, cell_place(i), "an empty name in the header"));
    }
    if (const auto [other, is_new] = seen.emplace(name, i); !is_new) {
      return std::unexpected(
          Error(ErrorCode::invalid_argument, cell_place(i),
                fmt::format("the header has the name {} in cell {} already", quoted(name), other->second + 1)));
    }
  }
  header_.assign(cells_.views.begin(), cells_.views.end());
  cells_.clear();
  return {};
}

std::expected<bool, Error> Reader::next() {
  auto read = read_record();
  if (read && *read && cells_.views.size() != header_.size()) {
    const std::size_t count = cells_.views.size();
    cells_.clear();
    return std::unexpected(Error(ErrorCode::invalid_argument, record_place(),
                                 fmt::format("{} cells where the header has {}", count, header_.size())));
  }
  return read;
}

std::expected<bool, Error> Reader::read_record() {
  for (;;) {
    cells_.clear();
    const std::string_view input(buffer_.get() + begin_, std::min(end_ - begin_, options_.record_bytes_max));
    const bool at_end = source_ended_ && begin_ + input.size() == end_;
    line_ = next_line_;
    record_offset_ = buffer_offset_ + begin_;
    if (at_end && input.empty()) return false;

    const Split split = split_record(input, at_end, cells_);
    if (split.result == SplitResult::incomplete) {
      cells_.clear();
      if (end_ - begin_ > options_.record_bytes_max) return std::unexpected(pass_over_limit());
      if (source_error_) {
        failed_ = true;
        return std::unexpected(*source_error_);
      }
      fill();
      continue;
    }
    if (split.result != SplitResult::record) {
      Error error = pass_fault(input, split);
      cells_.clear();
      return std::unexpected(std::move(error));
    }

    const std::string_view record = input.substr(0, split.at);
    begin_ += record.size();
    next_line_ += split.plain ? 1 : count_line_feeds(record);
    if (record.front() == '\n' || record == "\r\n") continue;
    if (!split.ascii) {
      if (auto bad = find_bad_text(record)) {
        cells_.clear();
        return std::unexpected(std::move(*bad));
      }
    }
    undouble_quotes();
    return true;
  }
}

void Reader::undouble_quotes() {
  for (const std::size_t index : cells_.doubled) {
    std::string_view& cell = cells_.views[index];
    char* const begin = buffer_.get() + (cell.data() - buffer_.get());
    char* to = begin;
    for (std::size_t from = 0; from < cell.size(); ++from) {
      *to++ = cell[from];
      if (cell[from] == '"') ++from;  // its twin
    }
    cell = std::string_view(begin, to);
  }
}

Place Reader::record_place() const { return {source_->name(), line_, 0, record_offset_}; }

Place Reader::cell_place(std::size_t index) const { return {source_->name(), line_, index + 1, record_offset_}; }

Error Reader::fault_at(std::string_view record, std::size_t at, std::size_t cell, std::string_view what) const {
  const std::string_view before = record.substr(0, at);
  const std::size_t line_feed = before.rfind('\n');
  const std::size_t line_begin = line_feed == std::string_view::npos ? 0 : line_feed + 1;
  Place place = cell_place(cell);
  place.offset += at;
  const std::string name = cell < header_.size() ? fmt::format(" ({})", shown(header_[cell])) : std::string();
  return {ErrorCode::invalid_argument, std::move(place),
          fmt::format("{} at byte {} of line {}, in cell {}{}", what, at - line_begin, line_ + count_line_feeds(before),
                      cell + 1, name)};
}

std::optional<Error> Reader::find_bad_text(std::string_view record) const {
  const std::size_t nul = std::min(record.find('\0'), record.size());
  const std::size_t bad = find_invalid_utf8(record.substr(0, nul));
  if (bad == record.size()) return std::nullopt;
  // No cell behind the byte: it is in the one that a fault in the grammar broke off.
  const auto cell = std::ranges::find_if(
      cells_.views, [&](std::string_view view) { return record.data() + bad < view.data() + view.size(); });
  return fault_at(record, bad, static_cast<std::size_t>(cell - cells_.views.begin()),
                  bad == nul ? "a NUL byte" : "invalid UTF-8");
}

Error Reader::pass_fault(std::string_view input, const Split& split) {
  if (split.result == SplitResult::unclosed_quote) return pass_unclosed_quote(input, split.at);
  // Of two faults the earlier one is reported, so bad text before the byte that broke the grammar goes first.
  std::optional<Error> error = find_bad_text(input.substr(0, split.at));
  if (!error) error = fault_at(input, split.at, cells_.views.size(), describe(split.result));
  pass_line(split.at);
  return std::move(*error);
}

Error Reader::pass_unclosed_quote(std::string_view input, std::size_t at) {
  const Error quote = fault_at(input, at, cells_.views.size(), describe(SplitResult::unclosed_quote));
  pass_line(input.size() - 1);
  return {quote.code(), *quote.place(), std::string(quote.reason()) + describe_lost(line_, next_line_ - 1)};
}

Error Reader::pass_over_limit() {
  const Place place = record_place();
  pass_line(options_.record_bytes_max - 1);
  return {
      ErrorCode::too_large, place,
      fmt::format("a record of more than {} bytes{}", options_.record_bytes_max, describe_lost(line_, next_line_ - 1))};
}

void Reader::pass_line(std::size_t at) {
  next_line_ += count_line_feeds({buffer_.get() + begin_, at}) + 1;
  begin_ += at;
  for (;;) {
    const char* from = buffer_.get() + begin_;
    if (const void* line_feed = std::memchr(from, '\n', end_ - begin_)) {
      begin_ += static_cast<std::size_t>(static_cast<const char*>(line_feed) - from) + 1;
      return;
    }
    begin_ = end_;
    if (source_ended_ || source_error_) return;
    fill();
  }
}

void Reader::fill() {
  if (begin_ != 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    buffer_offset_ += begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_) grow();
  // To the brim: a record that spans two fills is split twice, so fills must be few also where reads give little.
  while (end_ != capacity_ && !source_ended_ && !source_error_) {
    const auto got = source_->read({buffer_.get() + end_, capacity_ - end_});
    if (got) {
      end_ += *got;
      source_ended_ = *got == 0;
    } else {
      source_error_ = got.error();
    }
  }
}

// One byte more than the limit is what it takes to see that a record is over it.
void Reader::grow() {
  const std::size_t capacity =
      options_.record_bytes_max / 2 < capacity_ ? options_.record_bytes_max + 1 : capacity_ * 2;
  auto buffer = std::make_unique<char[]>(capacity + slack_bytes);
  std::memcpy(buffer.get(), buffer_.get(), end_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

}  // namespace stoa::csv
