// The checkpoints of a folder as files: their names, and how they come and go. Not what is in them.
#pragma once

#include "base/file.h"
#include "checkpoint/checkpoint_writer.h"
#include "wal/format.h"

#include <stoa/detail/world.h>

#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stoa::checkpoint {

/// "checkpoint-" and 20 digits, so that names sort as versions do.
[[nodiscard]] std::string checkpoint_name(Version version);
/// nullopt: the name of something else. There is none of version 0, which is nothing.
[[nodiscard]] std::optional<Version> parse_checkpoint_name(std::string_view name);
/// What a checkpoint is called until it is whole, and durable.
[[nodiscard]] std::string unfinished_checkpoint_name(Version version);
[[nodiscard]] bool is_unfinished_checkpoint_name(std::string_view name);

/// Of the folder's checkpoints, rising.
[[nodiscard]] std::expected<std::vector<Version>, Error> list_checkpoints(FileSystem& files, const std::string& folder);

/// Makes checkpoints for the folder's owner, and removes what they make superfluous. It keeps the newest two that are
/// good, and the log since the older one: should the newest turn out to be damaged, nothing is lost.
///
/// Threads: any.
class Checkpointer {
 public:
  /// Removes what a crash left of making one. `newest` is the checkpoint that recovery began from, 0 for none: others
  /// were not looked at, or are damaged.
  /// Requires: the caller holds the folder's lock as long as this lives. Errors: io. Lifetime: of the files.
  [[nodiscard]] static std::expected<std::unique_ptr<Checkpointer>, Error> open(FileSystem& files, std::string folder,
                                                                                const wal::Identity& identity,
                                                                                Version newest);

  /// Returns once a checkpoint of the root's version, or of a newer one, is durable: which one. Of version 0 none is
  /// made. Waits for another that is under way.
  ///
  /// Requires: the root is pinned, and the log is durable up to its version: that the file exists proves it.
  /// Errors:   io, disk_full, out_of_memory. The next may succeed, and the log has lost nothing; also where the
  ///           checkpoint is there and what it makes superfluous could not be removed.
  [[nodiscard]] std::expected<Version, Error> make(const detail::Root& root);
  /// Of the newest that is known to be good and durable, 0 where none is: only above it make() writes one. Waits for
  /// one that is under way.
  [[nodiscard]] Version newest() const;

 private:
  Checkpointer(FileSystem& files, std::string folder, const wal::Identity& identity, Version newest)
      : files_(files), folder_(std::move(folder)), identity_(identity), newest_(newest) {}

  [[nodiscard]] std::expected<void, Error> write(const std::string& unfinished, const detail::Root& root);
  [[nodiscard]] std::expected<void, Error> remove_superfluous();

  FileSystem& files_;
  const std::string folder_;
  const wal::Identity identity_;  // but for the history, which is the root's
  mutable std::mutex mutex_;      // guards all below, and lets one checkpoint be made at a time
  Version newest_;                // of those that are known to be good and durable
  Version older_ = 0;             // the one before it; 0 where none is known
  bool any_superfluous_ = false;  // newest_ was made, and what it replaces may be there
};

}  // namespace stoa::checkpoint
