#include "checkpoint/recovery.h"

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
  explicit Replayer(storage::BufferManager& buffers)
      : buffers_(buffers), buffer_(buffers.write_buffer()), replay_(buffers.world()), version_(buffers.version()) {
    buffer_.suspend_indexes();
  }

  std::expected<void, Error> apply(const wal::TransactionRecord& record) {
    buffers_.prepare_commit();
    if (auto applied = replay_.apply(record.body, buffer_); !applied) {
      buffer_.revert();
      refused_ = record.version;
      return std::unexpected(
          Error(ErrorCode::corrupt, fmt::format("transaction {}: {}", record.version, applied.error().message())));
    }
    buffer_.accept(ended_);
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

}  // namespace

std::expected<wal::Recovery, Error> replay_log(FileSystem& files, const std::string& folder,
                                               const wal::Identity& identity, wal::Access access,
                                               storage::BufferManager& buffers) {
  Replayer replayer(buffers);
  auto recovered = wal::recover(files, folder, identity, buffers.version(), access,
                                [&](const wal::TransactionRecord& record) { return replayer.apply(record); });
  if (!recovered) {
    if (replayer.refused() == 0) return recovered;
    return std::unexpected(Error(ErrorCode::corrupt, Place{.source = file_of(files, folder, replayer.refused())},
                                 std::string(recovered.error().reason())));
  }
  replayer.finish();
  buffers.resume_entities();
  return recovered;
}

}  // namespace stoa::checkpoint
