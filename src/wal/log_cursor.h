// Reads a folder's log transaction by transaction, at its reader's pace, and goes on when more has been written: beside
// a live owner, over segments that are begun and trimmed meanwhile. It holds the log to what recovery holds it to
// (wal/chain.h). It takes no lock, writes nothing, syncs nothing.
#pragma once

#include "base/file.h"
#include "wal/chain.h"
#include "wal/format.h"
#include "wal/segment_reader.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace stoa::wal {

/// After an error it stands where it stood: the next call meets the same, or gets over it if it was io.
///
/// Threads: one at a time.
class LogCursor {
 public:
  /// Before the first transaction whose version is `from` or above; with 0, before the first that is there. Of older
  /// segments only the headers are read.
  ///
  /// Errors:   history_gone, the log begins above `from`; not_found, there are no segments; as open_segment.
  /// Lifetime: `files` outlives the cursor.
  [[nodiscard]] static std::expected<LogCursor, Error> open(FileSystem& files, std::string folder,
                                                            const Identity& identity, std::uint64_t from);

  /// The next transaction; nullopt where the log ends as it is now. What a write that was cut
  /// short left there is no transaction, and neither is what a live owner is writing.
  ///
  /// Looked at again and again, the same end is judged once, and from then on when one of the first bytes behind it has
  /// changed or a segment follows.
  ///
  /// Errors:   corrupt, naming file and offset; history_gone, what comes next was trimmed; not_found, the log was
  ///           removed; io. Out of memory throws std::bad_alloc.
  /// Lifetime: the record's body is valid until the next call.
  [[nodiscard]] std::expected<std::optional<TransactionRecord>, Error> next();

  /// Of the last transaction.
  [[nodiscard]] const RandomId& history_id() const { return segment_.header().identity.history_id; }
  /// Where the frame is that the last transaction was in.
  [[nodiscard]] const std::string& path() const { return segment_.path(); }
  [[nodiscard]] std::uint64_t frame_offset() const { return segment_.frame_offset(); }

 private:
  LogCursor(FileSystem& files, std::string folder, const Identity& identity, std::uint64_t from, SegmentReader segment);

  [[nodiscard]] static std::expected<SegmentReader, Error> find_first(FileSystem& files, const std::string& folder,
                                                                      const Identity& identity, std::uint64_t from,
                                                                      const std::vector<std::uint64_t>& numbers);
  [[nodiscard]] std::expected<bool, Error> find_frame();
  [[nodiscard]] std::expected<std::optional<FrameHeader>, Error> judge_end(bool is_last);
  [[nodiscard]] std::expected<bool, Error> is_followed() const;
  [[nodiscard]] std::expected<void, Error> go_on();

  FileSystem* files_;
  std::string folder_;
  Identity identity_;
  std::uint64_t from_;
  SegmentReader segment_;
  std::optional<FrameHeader> frame_;     // whose transactions are being given out; kept until all of them are
  std::optional<FrameRecords> records_;  // its
  std::optional<std::uint32_t> judged_;  // what glance_behind() said of the segment's end when it was judged
};

}  // namespace stoa::wal
