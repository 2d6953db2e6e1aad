#include "checkpoint/recovery.h"

#include "delta/replay.h"

#include <fmt/format.h>

#include <vector>

namespace stoa::checkpoint {
namespace {

// Roots published on the way cost, and so does what a single huge one would keep from being reused.
constexpr std::uint64_t transactions_a_root = 4096;

class Replayer {
 public:
  explicit Replayer(storage::BufferManager& buffers)
      : buffers_(buffers), buffer_(buffers.write_buffer()), replay_(buffers.world()) {}

  std::expected<void, Error> apply(const wal::TransactionRecord& record) {
    buffers_.prepare_commit();
    if (auto applied = replay_.apply(record.body, buffer_); !applied) {
      buffer_.revert();
      return std::unexpected(
          Error(ErrorCode::corrupt, fmt::format("transaction {}: {}", record.version, applied.error().message())));
    }
    buffer_.accept(ended_);
    version_ = record.version;
    if (++pending_ == transactions_a_root) publish();
    return {};
  }

  // The ids of ended entities come back by resume_entities(), all at once, and not through the pins.
  void publish() {
    if (pending_ == 0) return;
    buffers_.commit_batch(version_, {});
    ended_.clear();
    pending_ = 0;
  }

 private:
  storage::BufferManager& buffers_;
  storage::WriteBuffer& buffer_;
  delta::Replay replay_;
  std::vector<Entity> ended_;
  std::uint64_t pending_ = 0;
  Version version_ = 0;
};

void resume_entities(storage::BufferManager& buffers) {
  const detail::Root& root = buffers.write_buffer().root();
  if (root.slot_count == 0) return;
  buffers.entities().adopt({root.slot_count - 1, 1});
  for (std::uint32_t index = 0; index < root.slot_count; ++index) {
    const detail::EntitySlot* slot = detail::find_slot(root, index);
    if (slot == nullptr) {
      buffers.entities().restore_dead(index, 0);
    } else if (slot->archetype == 0) {
      buffers.entities().restore_dead(index, slot->generation);
    }
  }
}

}  // namespace

std::expected<wal::Recovery, Error> replay_log(FileSystem& files, const std::string& folder,
                                               const wal::Identity& identity, wal::Access access,
                                               storage::BufferManager& buffers) {
  Replayer replayer(buffers);
  auto recovered = wal::recover(files, folder, identity, buffers.version(), access,
                                [&](const wal::TransactionRecord& record) { return replayer.apply(record); });
  if (!recovered) return recovered;
  replayer.publish();
  resume_entities(buffers);
  return recovered;
}

}  // namespace stoa::checkpoint
