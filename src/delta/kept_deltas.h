// The deltas of the last versions, in memory, for whoever asks what happened since: programs and subscribers. They
// stand one after the other in chunks that the writer appends to; a root says where they end for it. Chunks are blocks
// of the pool like all that a root reaches: who has pinned a root can read its deltas, and keeps nobody waiting.
#pragma once

#include "storage/write_buffer.h"

#include <stoa/detail/world.h>
#include <stoa/entity.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace stoa::delta {

/// What one step from version to version changed. Lifetime of the body: the pinned root's.
struct KeptDelta {
  Version from = 0;
  Version to = 0;
  std::uint64_t tag = 0;
  bool full = false;  ///< a difference from nothing
  std::span<const std::byte> body;
};

/// The writer's hand on them. Threads: the writer only.
class DeltaKeeper {
 public:
  explicit DeltaKeeper(storage::WriteBuffer& buffer) : buffer_(buffer) {}

  /// Room for add() of a body of so many bytes. Errors: throws std::bad_alloc.
  void reserve(std::size_t body_bytes);
  /// Requires: reserve(), and that it leads on from the last one, or from `from` of an empty history.
  void add(const KeptDelta& delta) noexcept;
  /// What leads to this version is not kept, and so nothing before it is of use.
  void restart(Version version) noexcept;

  /// Copies of the chunks from the oldest one on that lies in a slab which is to be emptied take their places: each
  /// points to the one before it. Errors: throws std::bad_alloc; nothing has changed then.
  void relocate();

  /// How much is kept. The newest chunk is, whatever it is.
  struct Bounds {
    std::size_t bytes_max = 0;
    Version from_least = 0;                                   ///< deltas that lead to versions up to it may go
    Version from_most = std::numeric_limits<Version>::max();  ///< those that lead on from it stay
  };
  /// Drops the oldest chunks that are beyond the bounds.
  void trim(const Bounds& bounds) noexcept;
  /// From which version on deltas would lead after trim().
  [[nodiscard]] Version from_after_trim(const Bounds& bounds) const noexcept;

 private:
  detail::DeltaChunk& make_chunk(std::size_t delta_bytes);
  [[nodiscard]] bool is_beyond(const detail::DeltaChunk& oldest, std::uint64_t bytes,
                               const Bounds& bounds) const noexcept;
  void drop_oldest(detail::KeptDeltas& kept) noexcept;
  [[nodiscard]] detail::DeltaChunk* copies_from(const detail::DeltaChunk& chunk);

  storage::WriteBuffer& buffer_;
  detail::DeltaChunk* newest_ = nullptr;
  detail::DeltaChunk* oldest_ = nullptr;
  detail::DeltaChunk* spare_ = nullptr;  // of a reserve(), where the newest has no room
};

/// Reads a root's deltas. Lifetime: the root's being pinned.
class KeptDeltaReader {
 public:
  /// Those from `version` on, where is_there(). Errors: throws std::bad_alloc.
  KeptDeltaReader(const detail::Root& root, Version version);

  /// Whether the version is the root's, or a delta that is kept leads from it.
  [[nodiscard]] bool is_there() const { return there_; }
  /// Takes the next one; false where there is none.
  bool next(KeptDelta& delta);

 private:
  [[nodiscard]] std::uint64_t end() const;

  const detail::Root& root_;
  std::vector<const detail::DeltaChunk*> chunks_;  // from the newest back to the one that is read
  std::uint64_t at_ = 0;                           // in that one
  bool there_ = false;
};

}  // namespace stoa::delta
