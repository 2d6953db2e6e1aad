// Reads a folder's log, across its segments: every transaction above a version, in order and without gaps, or an error
// that says where the log is damaged. It applies nothing and repairs nothing.
#pragma once

#include "base/file.h"
#include "wal/batch.h"
#include "wal/format.h"
#include "wal/writer.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>

namespace stoa::wal {

enum class Access : std::uint8_t {
  owner,    ///< holds the folder's lock, and will write after what it reads: the last segment is synced before
  observer  ///< writes nothing, syncs nothing; the owner may be at work
};

/// Bytes at the end of the log that no acknowledged write left there.
struct DroppedTail {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct Recovery {
  LogEnd end;
  /// Where the good part of the log itself ends: at a version below `end`'s where the log does not reach the version
  /// that it was to be read from.
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t version = 0;
  std::optional<DroppedTail> dropped;
  /// Of the last segment, if there is one.
  RandomId history_id;
  bool following = false;
  std::uint64_t segment_count = 0;      ///< that were read
  std::uint64_t frame_count = 0;        ///< that were good, seals too
  std::uint64_t transaction_count = 0;  ///< that the visitor got
};

/// Lifetime: the record's body is valid until the visitor returns. An error stops the recovery and is its result.
using Visitor = std::function<std::expected<void, Error>(const TransactionRecord&)>;

/// Calls `visit` with every transaction above `from_version`, in order.
///
/// Reading begins in the newest segment that starts at or below `from_version`; older ones are not looked at.
/// The first frame that does not continue the chain ends the log, and it is judged as SegmentReader::tail says. A
/// segment that follows must continue exactly there: its header is proof that all before it was durable, and at the
/// same time the record of a torn tail that was dropped when it was begun.
///
/// Requires: the state that `visit` applies to is that of `from_version`.
/// Errors:   corrupt, naming file and offset, also for a segment of another database; schema_mismatch; not_a_database,
/// a
///           log of another format; io; what `visit` returns.
[[nodiscard]] std::expected<Recovery, Error> recover(FileSystem& files, const std::string& folder,
                                                     const Identity& identity, std::uint64_t from_version,
                                                     Access access, const Visitor& visit);

}  // namespace stoa::wal
