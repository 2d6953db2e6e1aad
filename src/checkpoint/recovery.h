// Brings a database in memory to the state that its folder's checkpoints and log describe.
#pragma once

#include "checkpoint/folder.h"
#include "storage/buffer_manager.h"
#include "txn/applied_deltas.h"
#include "wal/reader.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace stoa::checkpoint {

/// What there is of a state in a folder.
struct Stored {
  struct History {
    Version from;  ///< the version before its first
    RandomId id;
    RandomId before{};  ///< the previous segment's, of that very version
    bool following = false;
  };

  std::vector<Version> checkpoints;  ///< rising; whether they are good is not known
  std::optional<wal::Identity> log;  ///< nullopt where there is none, and then there are no checkpoints
  std::vector<History> histories;    ///< of each segment whose header can be read, in the order of their versions
};

/// Errors: as read_identity(); corrupt, naming a checkpoint, where it has no log.
[[nodiscard]] std::expected<Stored, Error> find_stored(FileSystem& files, const std::string& folder,
                                                       const SchemaHash& schema);

struct Recovered {
  wal::Recovery log;
  Version checkpoint = 0;                      ///< that it began from; 0 for none
  std::optional<Error> passed_by;              ///< why not from the newest there is, which the log makes up for
  std::optional<txn::AppliedDeltas> followed;  ///< a replica's, as far as they were replayed; nullopt for no replica
};

/// Brings `buffers`, which is new, to the state of the newest good checkpoint and of the log after it, and makes its
/// entity allocator go on from there.
///
/// A checkpoint is of what is durable in the log. So where the log, read from an older checkpoint or from its
/// beginning, reaches the version of a newer one that is damaged, nothing is lost; and where it does not reach the
/// newest one's, good or not, it has lost something itself.
///
/// Requires: `stored` has a log.
/// Errors:   as wal::recover; corrupt also where a transaction or a checkpoint does not fit the state, naming its file
///           and place, and where durable transactions are missing.
[[nodiscard]] std::expected<Recovered, Error> recover_state(FileSystem& files, const std::string& folder,
                                                            const Stored& stored, wal::Access access,
                                                            storage::BufferManager& buffers);

}  // namespace stoa::checkpoint
