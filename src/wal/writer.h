// Appends batches to the log and makes them durable. It keeps the chain of frames and the rotation of segments; it does
// not read what is there (wal/reader.h does), nor decide when to sync.
#pragma once

#include "base/file.h"
#include "base/random.h"
#include "wal/batch.h"
#include "wal/format.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

namespace stoa::wal {

/// Where a log stops: what the next segment continues.
struct LogEnd {
  std::uint64_t segment_number = 0;  ///< 0: there is no segment
  std::uint32_t crc = 0;             ///< of the last frame, or of the segment's header if it has none
  std::uint64_t version = 0;         ///< the last transaction's; never below that of the checkpoint it was read from
  std::uint64_t base_version = 0;    ///< the last before that segment
};

/// Zeros are written this far ahead, along with the frame that first comes so far. A block that was only set aside
/// costs its first sync a journal entry of the file system; one that was written before costs later syncs none.
inline constexpr std::uint64_t zero_step_bytes = std::uint64_t{1} << 20;

struct WriterOptions {
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;  ///< a segment is closed when the next batch does not fit
};

/// A segment is created under a temporary name, filled with its header, synced, renamed, and the folder synced; only
/// then is a frame written to it. So whatever bears a segment's name has a whole header, a crash leaves at most a
/// temporary file that the next open removes, and a damaged header is never taken for a crash. A header also proves
/// that all before it is durable: the previous segment is synced before this one gets its name.
///
/// The first segment is begun when there is something to write, or begin_segment() is called: who opens a log and does
/// neither leaves no file. Until then the log ends where recover() found its end, which it has synced.
///
/// The first failed write or sync is final, but for a disk that is full before the segment has its name, and for a
/// segment that nobody needs: every later call answers with it. What it was to write is unknown_outcome until the log
/// is read again.
///
/// Threads: one at a time. An owner that applies a batch while another one syncs reserves for it before that sync.
class Writer {
 public:
  /// Goes on after `end`, in a new segment: no segment is ever written to again, or its number used again. Removes what
  /// a crash left of beginning one.
  ///
  /// Requires: the caller holds the folder's lock; `end` is what recover() with Access::owner returned (it synced what
  ///           it read), or LogEnd{} in a folder without segments.
  /// Errors:   io; already_exists, the folder has a later segment than `end` says.
  /// Lifetime: `files` and `random` outlive the writer.
  [[nodiscard]] static std::expected<Writer, Error> open(FileSystem& files, std::string folder,
                                                         const Identity& identity, const LogEnd& end,
                                                         RandomSource& random, const WriterOptions& options = {});

  /// Makes sure that a frame of `frame_bytes` finds room, in a new segment if need be, so that a full disk is noticed
  /// before a transaction is applied.
  ///
  /// Errors: disk_full — nothing happened, and a later call may succeed; others are final.
  [[nodiscard]] std::expected<void, Error> reserve(std::uint64_t frame_bytes);

  /// Appends the batch as one frame by one write. It stays the caller's, unchanged.
  ///
  /// Requires: the batch is not empty, and its first record leads from last_version().
  /// Errors:   disk_full, if there was no room reserved — nothing happened; others are final.
  [[nodiscard]] std::expected<void, Error> write(Batch& batch);

  /// What is written from now on is of that history; with `following`, another database's. Before the next frame a new
  /// segment begins, which says so.
  void begin_history(const RandomId& history, bool following) noexcept;
  /// Begins that segment now. Errors: disk_full — nothing happened; others are final.
  [[nodiscard]] std::expected<void, Error> begin_segment();
  /// Begins a segment, though this one has room, so that what is written from now on can be read without what is
  /// before. Nobody waits for it: false where it could not be prepared, whatever for, and the log goes on as before.
  /// Errors: final.
  [[nodiscard]] std::expected<bool, Error> try_begin_segment();
  /// Whether that segment_number() names has any transactions; false where there is none.
  [[nodiscard]] bool segment_has_transactions() const { return end_.version > end_.base_version; }

  /// Returns once all that was written is durable.
  [[nodiscard]] std::expected<void, Error> sync();

  /// Syncs, and appends a frame that says so: from then on damage to the last batch is told from a torn write.
  [[nodiscard]] std::expected<void, Error> seal();

  /// Seals, and gives back what was preallocated. Every later call answers closed.
  [[nodiscard]] std::expected<void, Error> close();

  /// How much write() writes for a frame of so many bytes, once room is reserved: the batch is to have that capacity.
  [[nodiscard]] std::size_t bytes_to_write(std::uint64_t frame_bytes) const;
  [[nodiscard]] std::uint64_t last_version() const { return end_.version; }
  [[nodiscard]] std::uint64_t synced_version() const { return synced_version_; }
  /// Of the segment that was written to last; that of the log's end until one is begun.
  [[nodiscard]] std::uint64_t segment_number() const { return end_.segment_number; }
  [[nodiscard]] bool failed() const { return failure_.has_value(); }

 private:
  Writer(FileSystem& files, std::string folder, const Identity& identity, const LogEnd& end, RandomSource& random,
         const WriterOptions& options);

  struct NextSegment;
  [[nodiscard]] std::expected<NextSegment, Error> prepare_segment(std::uint64_t frame_bytes);
  [[nodiscard]] std::expected<void, Error> fill(NextSegment& next, std::uint64_t frame_bytes);
  [[nodiscard]] std::expected<void, Error> name_segment(NextSegment next);
  [[nodiscard]] std::expected<void, Error> rotate(std::uint64_t frame_bytes);
  [[nodiscard]] std::expected<void, Error> go_on_in(NextSegment next);
  [[nodiscard]] std::expected<void, Error> append(FrameType type, Batch& batch);
  [[nodiscard]] std::expected<void, Error> give_back_room();
  [[nodiscard]] bool has_room(std::uint64_t frame_bytes) const;
  [[nodiscard]] static std::size_t zeros_behind(std::uint64_t end, std::uint64_t zeroed, std::uint64_t file_bytes);
  [[nodiscard]] std::unexpected<Error> fail(Error error);

  FileSystem* files_;
  std::string folder_;
  Identity identity_;
  RandomId previous_history_;  // of the segment that is there, zeros for none
  bool following_ = false;
  bool header_is_true_ = true;  // what file_ begins with is what is written now
  RandomSource* random_;
  WriterOptions options_;

  std::unique_ptr<File> file_;      // null until this writer has begun a segment
  std::uint64_t file_bytes_ = 0;    // preallocated
  std::uint64_t zeroed_bytes_ = 0;  // how far real zeros or frames were written, not only room set aside
  std::uint64_t used_bytes_ = 0;    // where the next frame goes
  std::uint64_t salt_ = 0;
  LogEnd end_;
  std::uint64_t synced_version_ = 0;
  bool dirty_ = false;  // something was written since the last sync
  bool sealed_ = true;  // this writer has written nothing that needs a seal
  Batch no_transactions_;
  std::optional<Error> failure_;
};

}  // namespace stoa::wal
