// Bytes as the segments of a log whose checksums are right: recovered by an observer and by an owner, who goes on
// writing, and recovered again.
#include "base/file_memory.h"
#include "base/random.h"
#include "checkpoint/folder.h"
#include "checkpoint/recovery.h"
#include "fuzz/harness.h"
#include "fuzz/segments.h"
#include "fuzz/world.h"
#include "storage/buffer_manager.h"
#include "storage/world_info.h"
#include "wal/batch.h"
#include "wal/reader.h"
#include "wal/segments.h"
#include "wal/writer.h"

#include <stoa/detail/snapshot_access.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace stoa::fuzz {
namespace {

const std::string folder = "world";

// What an owner's recovery brings to life.
class World final : public detail::SnapshotHome {
 public:
  World() : buffers_(storage::make_world(compiled()), {options().slab_bytes_first, 1.0, options().slab_bytes_max}) {}

  std::expected<wal::Recovery, Error> recover(FileSystem& files, const wal::Identity& identity) {
    const checkpoint::Stored stored{.checkpoints = {}, .log = identity, .histories = {}};
    auto recovered = checkpoint::recover_state(files, folder, stored, wal::Access::owner, buffers_);
    if (!recovered) return std::unexpected(std::move(recovered.error()));
    return std::move(recovered->log);
  }
  [[nodiscard]] Version version() const { return buffers_.version(); }
  [[nodiscard]] Snapshot snapshot() {
    return detail::SnapshotAccess::make(*this, buffers_.write_buffer().root(), nullptr);
  }
  [[nodiscard]] Entity next_id() { return buffers_.entities().reserve(); }

  // SnapshotHome: its snapshots have no pins.
  void clone_pin(void*, void*&) override {}
  void release_pin(void*) noexcept override {}

 private:
  storage::BufferManager buffers_;
};

// What the log holds, as an observer finds it.
struct Content {
  std::expected<wal::Recovery, Error> recovery;
  std::vector<std::byte> bodies;  // one after the other
};

Content content_of(FileSystem& files, const wal::Identity& identity) {
  std::vector<std::byte> bodies;
  auto recovery = wal::recover(files, folder, identity, 0, wal::Access::observer,
                               [&](const wal::TransactionRecord& record) -> std::expected<void, Error> {
                                 bodies.insert(bodies.end(), record.body.begin(), record.body.end());
                                 return {};
                               });
  return {std::move(recovery), std::move(bodies)};
}

void require_same(const wal::Recovery& a, const wal::Recovery& b) {
  require(a.end.segment_number == b.end.segment_number && a.end.crc == b.end.crc && a.end.version == b.end.version,
          "observer and owner find the same end");
  require(a.dropped.has_value() == b.dropped.has_value(), "they drop the same");
  require(a.frame_count == b.frame_count && a.transaction_count == b.transaction_count, "they read the same");
}

// A transaction without any effect, as the owner writes it behind what it found.
void write_one(FileSystem& files, const wal::Identity& identity, const wal::LogEnd& end) {
  SeededRandom random(1);
  auto writer = wal::Writer::open(files, folder, identity, end, random, {.segment_bytes = 4096});
  require(writer.has_value(), "the owner can go on");
  wal::Batch batch;
  batch.add({.version = end.version + 1, .wall_ns = 0, .tag = 0, .body = {}});
  require(writer->write(batch).has_value() && writer->close().has_value(), "the owner writes behind the end");
}

Reached recover(MemoryFileSystem& files, const wal::Identity& identity) {
  const Content seen = content_of(files, identity);
  World owned;
  const auto found = owned.recover(files, identity);
  if (!found) {
    // What does not fit the state is met by the owner only, and perhaps before what the observer has met.
    require(found.error().code() == ErrorCode::corrupt ||
                (!seen.recovery && seen.recovery.error().code() == found.error().code()),
            "observer and owner say the same");
    return Reached::read;
  }
  require(seen.recovery.has_value(), "observer and owner judge alike");
  require_same(*seen.recovery, *found);
  require(owned.version() == found->end.version, "the version is the log's");
  read_all(owned.snapshot());
  require(!owned.snapshot().alive(owned.next_id()), "an id is not given out twice");

  write_one(files, identity, found->end);
  const Content again = content_of(files, identity);
  require(again.recovery.has_value(), "what an owner has gone on with can be recovered");
  require(again.recovery->end.version == found->end.version + 1 && !again.recovery->dropped,
          "it ends with what the owner wrote");
  require(again.bodies == seen.bodies, "what was there is as it was");
  return found->transaction_count == 0 ? Reached::read : Reached::taken;
}

}  // namespace

Reached run(std::span<const std::byte> input) {
  MemoryFileSystem files;
  require(files.make_directory(folder).has_value(), "a folder is made");
  std::uint64_t number = 0;
  std::uint32_t crc = 0;
  for (std::vector<std::byte>& segment : split_segments(input)) {
    crc = mend_segment(segment, ++number, crc);
    files.set_contents(join_path(folder, wal::segment_name(number)), std::move(segment));
  }
  const auto identity = checkpoint::read_identity(files, folder, compiled()->hash());
  if (!identity || !*identity) return Reached::refused;
  return recover(files, **identity);
}

}  // namespace stoa::fuzz
