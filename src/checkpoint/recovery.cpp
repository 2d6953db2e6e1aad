#include "checkpoint/recovery.h"

#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/checkpoints.h"
#include "delta/replay.h"
#include "wal/segments.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace stoa::checkpoint {
namespace {

// Roots published on the way cost, and so does what a single huge one would keep from being reused.
constexpr std::uint64_t transactions_a_root = 4096;

class Replayer {
 public:
  Replayer(storage::BufferManager& buffers, txn::AppliedDeltas* remembered)
      : buffers_(buffers),
        buffer_(buffers.write_buffer()),
        replay_(buffers.world()),
        remembered_(remembered),
        version_(buffers.version()) {
    buffer_.suspend_indexes();
  }

  /// All of a checkpoint, which was verified, into buffers that are new. Nothing of it is ever taken back: an error
  /// leaves buffers that are of no use.
  std::expected<void, Error> load(CheckpointReader& checkpoint) {
    buffer_.changes().suspend();
    while (true) {
      const auto body = checkpoint.next();
      if (!body) return std::unexpected(body.error());
      if (!*body) break;
      buffers_.prepare_commit();
      if (auto applied = replay_.apply(**body, buffer_); !applied) {
        return std::unexpected(Error(ErrorCode::corrupt,
                                     Place{.source = checkpoint.path(), .offset = checkpoint.offset()},
                                     applied.error().message()));
      }
      buffer_.accept(ended_);
    }
    buffer_.changes().resume();
    version_ = checkpoint.header().version;
    return {};
  }

  [[nodiscard]] Version version() const { return version_; }

  std::expected<void, Error> apply(const wal::TransactionRecord& record) {
    buffers_.prepare_commit();
    if (auto applied = replay_.apply(record.body, buffer_); !applied) {
      buffer_.revert();
      refused_ = record.version;
      return std::unexpected(
          Error(ErrorCode::corrupt, fmt::format("transaction {}: {}", record.version, applied.error().message())));
    }
    buffer_.accept(ended_);
    if (remembered_ != nullptr) {
      remembered_->make_room();
      remembered_->add(record.version - record.step, record.version, record.body);
    }
    version_ = record.version;
    if (++pending_ == transactions_a_root) publish();
    return {};
  }

  /// The version that apply() refused; 0 where it refused none.
  [[nodiscard]] Version refused() const { return refused_; }

  /// The last root, and the indexes, made from its rows at once.
  void finish() {
    buffers_.prepare_commit();
    buffer_.build_indexes();
    buffers_.commit_batch(version_, {});
  }

 private:
  // The ids of ended entities come back by BufferManager::resume_entities(), all at once, and not through the pins.
  void publish() {
    buffers_.commit_batch(version_, {});
    ended_.clear();
    pending_ = 0;
  }

  storage::BufferManager& buffers_;
  storage::WriteBuffer& buffer_;
  delta::Replay replay_;
  txn::AppliedDeltas* remembered_;  // null for a database that follows none
  std::vector<Entity> ended_;
  std::uint64_t pending_ = 0;
  Version version_;
  Version refused_ = 0;
};

// The file that holds a transaction, for messages; the folder where even that cannot be read.
std::string file_of(FileSystem& files, const std::string& folder, Version version) {
  std::string found = folder;
  const auto numbers = wal::list_segments(files, folder);
  if (!numbers) return found;
  for (const std::uint64_t number : *numbers) {
    std::string path = join_path(folder, wal::segment_name(number));
    const auto file = files.open_read_only(path);
    if (!file) break;
    const auto start = wal::read_segment_start(**file, number);
    if (!start || start->header.base_version >= version) break;
    found = std::move(path);
  }
  return found;
}

std::unexpected<Error> corrupt(Place place, std::string reason) {
  return std::unexpected(Error(ErrorCode::corrupt, std::move(place), std::move(reason)));
}

// Whether the log is, or was, of that history at that version: at the very version of a fork it was of both.
bool has_history(const std::vector<Stored::History>& histories, Version version, const RandomId& id) {
  for (std::size_t i = 0; i != histories.size(); ++i) {
    const Stored::History& history = histories[i];
    const bool until = i + 1 == histories.size() || version <= histories[i + 1].from;
    if (history.from <= version && until && history.id == id) return true;
    if (history.from == version && history.before == id) return true;
  }
  return false;
}

// What can be read of them: which of the segments are needed, and must be whole, is not known yet.
std::expected<std::vector<Stored::History>, Error> list_histories(FileSystem& files, const std::string& folder) {
  const auto numbers = wal::list_segments(files, folder);
  if (!numbers) return std::unexpected(numbers.error());
  std::vector<Stored::History> out;
  for (const std::uint64_t number : *numbers) {
    const auto file = files.open_read_only(join_path(folder, wal::segment_name(number)));
    if (!file) continue;
    const auto start = wal::read_segment_start(**file, number);
    if (!start) continue;
    const wal::SegmentHeader& header = start->header;
    out.push_back({header.base_version, header.identity.history_id, header.previous_history, header.following});
  }
  return out;
}

// Ready to be loaded. Errors: as CheckpointReader; corrupt also where it is not of this database.
std::expected<CheckpointReader, Error> open_checkpoint(FileSystem& files, const std::string& folder, Version version,
                                                       const Stored& stored) {
  const wal::Identity& identity = *stored.log;
  auto file = files.open_read_only(join_path(folder, checkpoint_name(version)));
  if (!file) return std::unexpected(file.error());
  auto reader = CheckpointReader::open(*std::move(file), version);
  if (!reader) return reader;
  const wal::Identity& found = reader->header().identity;
  const Place place{.source = reader->path()};
  if (found.database_id != identity.database_id) return corrupt(place, "the checkpoint is another database's");
  if (!has_history(stored.histories, version, found.history_id)) {
    return corrupt(place, "the checkpoint is of another history");
  }
  if (found.schema_hash != identity.schema_hash) {
    return corrupt(place, "the checkpoint was written under another schema");
  }
  if (found.encoding != identity.encoding || found.compression != identity.compression) {
    return std::unexpected(
        Error(ErrorCode::not_a_database, place,
              fmt::format("the checkpoint has encoding {} and compression {}, expected {} and {}", found.encoding,
                          found.compression, identity.encoding, identity.compression)));
  }
  if (auto verified = reader->verify(); !verified) return std::unexpected(verified.error());
  return reader;
}

bool is_unusable(const Error& error) {
  return error.code() == ErrorCode::corrupt || error.code() == ErrorCode::not_a_database;
}

// Why a checkpoint that cannot be used has nothing to stand in for it.
std::unexpected<Error> nothing_stands_in(const Error& unusable, std::string_view why) {
  return std::unexpected(Error(unusable.code(), unusable.place() != nullptr ? *unusable.place() : Place{},
                               fmt::format("{}; without it: {}", unusable.reason(), why)));
}

std::expected<void, Error> replay_log(FileSystem& files, const std::string& folder, const wal::Identity& identity,
                                      wal::Access access, Replayer& replayer, wal::Recovery& log) {
  auto recovered = wal::recover(files, folder, identity, replayer.version(), access,
                                [&](const wal::TransactionRecord& record) { return replayer.apply(record); });
  if (!recovered) {
    if (replayer.refused() == 0) return std::unexpected(recovered.error());
    return corrupt(Place{.source = file_of(files, folder, replayer.refused())},
                   std::string(recovered.error().reason()));
  }
  log = *std::move(recovered);
  return {};
}

}  // namespace

std::expected<Stored, Error> find_stored(FileSystem& files, const std::string& folder, const SchemaHash& schema) {
  Stored out;
  // Before the log: where a live owner has made a checkpoint, there is a log by then.
  auto checkpoints = list_checkpoints(files, folder);
  if (!checkpoints) return std::unexpected(checkpoints.error());
  out.checkpoints = *std::move(checkpoints);
  const auto log = read_identity(files, folder, schema);
  if (!log) return std::unexpected(log.error());
  out.log = *log;
  if (!out.log && !out.checkpoints.empty()) {
    return corrupt(Place{.source = join_path(folder, checkpoint_name(out.checkpoints.back()))},
                   "there is a checkpoint, and no log: its segments are missing");
  }
  auto histories = list_histories(files, folder);
  if (!histories) return std::unexpected(histories.error());
  out.histories = *std::move(histories);
  return out;
}

std::expected<Recovered, Error> recover_state(FileSystem& files, const std::string& folder, const Stored& stored,
                                              wal::Access access, storage::BufferManager& buffers) {
  Recovered out;
  const bool follows = !stored.histories.empty() && stored.histories.back().following;
  if (follows) out.followed.emplace();
  Replayer replayer(buffers, follows ? &*out.followed : nullptr);
  for (auto version = stored.checkpoints.rbegin(); version != stored.checkpoints.rend(); ++version) {
    auto checkpoint = open_checkpoint(files, folder, *version, stored);
    if (checkpoint) {
      if (auto loaded = replayer.load(*checkpoint); !loaded) return std::unexpected(loaded.error());
      out.checkpoint = *version;
      break;
    }
    if (!is_unusable(checkpoint.error())) return std::unexpected(checkpoint.error());
    if (!out.passed_by) out.passed_by = checkpoint.error();
  }
  if (auto replayed = replay_log(files, folder, *stored.log, access, replayer, out.log); !replayed) {
    const bool is_cause = out.passed_by && replayed.error().code() == ErrorCode::corrupt;
    return is_cause ? nothing_stands_in(*out.passed_by, replayed.error().message()) : std::unexpected(replayed.error());
  }
  const Version promised = stored.checkpoints.empty() ? 0 : stored.checkpoints.back();
  if (out.log.version < promised) {
    const Place end{.source = out.log.file, .offset = out.log.offset};
    std::string reason = fmt::format(
        "durable transactions are damaged or missing: the log is good up to version {} here, and {} was made of it",
        out.log.version, checkpoint_name(promised));
    if (out.passed_by) return nothing_stands_in(*out.passed_by, Error(ErrorCode::corrupt, end, reason).message());
    return corrupt(end, std::move(reason));
  }
  replayer.finish();
  // What the log was when it was read is what counts; what it was before says only whether to remember what is read.
  if (!out.log.following) out.followed.reset();
  if (out.log.following && !out.followed) out.followed.emplace();
  // Which ids a replica may give out is the other database's to know.
  if (out.followed) {
    buffers.entities().skip_to(buffers.write_buffer().root().slot_count);
  } else {
    buffers.resume_entities();
  }
  return out;
}

}  // namespace stoa::checkpoint
