// Makes the write buffer's world what an older root of it is, as a transaction: by what is different, pages as they are
// where that is possible, rows elsewhere.
#pragma once

#include "delta/replay.h"
#include "delta/run_writer.h"
#include "storage/write_buffer.h"

#include <stoa/detail/world.h>

#include <cstddef>
#include <expected>
#include <span>
#include <vector>

namespace stoa::txn {

/// Threads: the writer only.
class Restorer {
 public:
  Restorer(storage::WriteBuffer& buffer, delta::Replay& replay);

  /// On an error, and where it throws std::bad_alloc, the transaction is to be taken back.
  [[nodiscard]] std::expected<void, Error> restore(const detail::Root& kept);
  /// The entities that the last restore() brought back to life, sorted. Lifetime: until the next.
  [[nodiscard]] std::span<const Entity> revived() const { return revived_; }
  /// Nothing was restored.
  void clear() noexcept;

 private:
  std::expected<void, Error> replay_difference(const detail::Root& kept, bool without_pages);

  storage::WriteBuffer& buffer_;
  delta::Replay& replay_;
  delta::RunWriter runs_;
  std::vector<std::byte> bytes_;
  std::vector<Entity> revived_;
};

}  // namespace stoa::txn
