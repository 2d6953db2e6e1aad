#include "wal/log_cursor.h"

#include "wal/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace stoa::wal {
namespace {

std::expected<SegmentReader, Error> open_numbered(FileSystem& files, const std::string& folder, std::uint64_t number,
                                                  const Identity& identity) {
  auto file = files.open_read_only(join_path(folder, segment_name(number)));
  if (!file) return std::unexpected(file.error());
  return open_segment(*std::move(file), number, identity);
}

}  // namespace

LogCursor::LogCursor(FileSystem& files, std::string folder, const Identity& identity, std::uint64_t from,
                     SegmentReader segment)
    : files_(&files), folder_(std::move(folder)), identity_(identity), from_(from), segment_(std::move(segment)) {}

std::expected<LogCursor, Error> LogCursor::open(FileSystem& files, std::string folder, const Identity& identity,
                                                std::uint64_t from) {
  auto numbers = list_segments(files, folder);
  while (true) {
    if (!numbers) return std::unexpected(numbers.error());
    auto first = find_first(files, folder, identity, from, *numbers);
    if (first) return LogCursor(files, std::move(folder), identity, from, *std::move(first));
    if (first.error().code() != ErrorCode::not_found) return std::unexpected(first.error());
    // Trimmed since it was listed, unless the list is still the same.
    auto again = list_segments(files, folder);
    if (again && *again == *numbers) return std::unexpected(first.error());
    numbers = std::move(again);
  }
}

// Looks from the newest back, so that what a trim left of older ones does not matter.
std::expected<SegmentReader, Error> LogCursor::find_first(FileSystem& files, const std::string& folder,
                                                          const Identity& identity, std::uint64_t from,
                                                          const std::vector<std::uint64_t>& numbers) {
  if (numbers.empty()) return std::unexpected(Error(ErrorCode::not_found, Place{folder}, "there is no log"));
  std::size_t at = numbers.size() - 1;
  const auto has_one_before = [&] { return at != 0 && numbers[at - 1] == numbers[at] - 1; };
  if (from == 0) {
    while (has_one_before()) --at;
    return open_numbered(files, folder, numbers[at], identity);
  }
  while (true) {
    auto segment = open_numbered(files, folder, numbers[at], identity);
    if (!segment) return segment;
    const std::uint64_t base = segment->header().base_version;
    if (base < from) return segment;
    if (!has_one_before()) {
      return std::unexpected(
          Error(ErrorCode::history_gone, Place{folder}, fmt::format("the log is there from version {} on", base + 1)));
    }
    --at;
  }
}

std::expected<std::optional<TransactionRecord>, Error> LogCursor::next() {
  while (true) {
    while (!frame_) {
      const auto found = find_frame();
      if (!found) return std::unexpected(found.error());
      if (!*found) return std::nullopt;
    }
    if (!records_) {
      auto records = read_records(segment_, *frame_);
      if (!records) return std::unexpected(records.error());
      records_ = *records;
    }
    while (true) {
      auto record = records_->next(segment_);
      if (!record) return record;
      if (!*record) break;
      if ((*record)->version >= from_) return record;
    }
    records_.reset();
    frame_.reset();
  }
}

// Sets frame_ if there is one with transactions from from_ on. False: the log ends.
std::expected<bool, Error> LogCursor::find_frame() {
  while (true) {
    auto frame = segment_.next();
    if (!frame) return std::unexpected(frame.error());
    bool followed = false;
    if (!*frame) {
      // All that was written to a segment was written before the next one got its name: so first the name, then a
      // fresh look.
      const auto is = is_followed();
      if (!is) return std::unexpected(is.error());
      followed = *is;
      frame = judge_end(!followed);
      if (!frame) return std::unexpected(frame.error());
    }
    if (*frame) {
      if ((*frame)->version_count == 0 || (*frame)->last_version() < from_) continue;
      frame_ = **frame;
      return true;
    }
    if (!followed) return false;
    if (auto gone_on = go_on(); !gone_on) return std::unexpected(gone_on.error());
  }
}

// A frame that was written meanwhile, or nullopt where the segment ends as it should.
std::expected<std::optional<FrameHeader>, Error> LogCursor::judge_end(bool is_last) {
  segment_.refresh();
  const auto glance = segment_.glance_behind();
  if (!glance) return std::unexpected(glance.error());
  if (!is_last || judged_ != *glance) {
    SegmentTail tail;
    auto frame = next_frame(segment_, tail);
    if (!frame || *frame) return frame;
    judged_ = *glance;
  }
  return std::nullopt;
}

// Whether a segment comes after the one that is read.
std::expected<bool, Error> LogCursor::is_followed() const {
  const auto numbers = list_segments(*files_, folder_);
  if (!numbers) return std::unexpected(numbers.error());
  const std::uint64_t number = segment_.header().number;
  const auto after = std::upper_bound(numbers->begin(), numbers->end(), number);
  if (after != numbers->end() && *after == number + 1) return true;
  const bool is_there = after != numbers->begin() && *std::prev(after) == number;
  if (after == numbers->end()) {
    if (is_there) return false;
    return std::unexpected(Error(ErrorCode::not_found, Place{segment_.path()}, "the log was removed"));
  }
  if (is_there) {
    return std::unexpected(
        segment_error(ErrorCode::corrupt, segment_, segment_.offset(),
                      fmt::format("the segment after this one is missing: {} is there", segment_name(*after))));
  }
  return std::unexpected(Error(ErrorCode::history_gone, Place{folder_},
                               fmt::format("what follows version {} was trimmed", segment_.chain().version)));
}

std::expected<void, Error> LogCursor::go_on() {
  auto following = open_numbered(*files_, folder_, segment_.header().number + 1, identity_);
  if (!following) {
    // Trimmed since it was listed, perhaps: then that is the error.
    if (const auto still = is_followed(); !still) return std::unexpected(still.error());
    return std::unexpected(following.error());
  }
  if (auto continues = check_continuation(segment_, *following); !continues) return continues;
  segment_ = *std::move(following);
  judged_.reset();
  return {};
}

}  // namespace stoa::wal
