// Bytes as the body of a transaction in the log, against a settled world: applied, told in the library's own words to a
// second world, and taken back from both.
#include "delta/replay.h"

#include "delta/delta_access.h"
#include "delta/root_diff.h"
#include "delta/run_reader.h"
#include "delta/run_writer.h"
#include "delta/transaction_delta.h"
#include "fuzz/harness.h"
#include "fuzz/world.h"
#include "storage/buffer_manager.h"
#include "storage/world_info.h"

#include <stoa/detail/snapshot_access.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

namespace stoa::fuzz {
namespace {

// What an input may take of the pool for each of its bytes, and once: an entity at an index far from others takes a
// page of slots. Of tiny pages a floor for 65,536 indices takes one for every two.
constexpr std::size_t bytes_per_byte_max = 1024;
constexpr std::size_t bytes_once_max = std::size_t{detail::slot_page_bits > 4 ? 256 : 65'536} << 10U;

enum class Kind : std::uint8_t {
  none,
  of_operations,  // such as a program's transactions come to
  of_histories,   // ids that have been come back, or are used up
};

class World final : public detail::SnapshotHome {
 public:
  World()
      : buffers_(storage::make_world(compiled()), {options().slab_bytes_first, 1.0, options().slab_bytes_max}),
        buffer_(buffers_.write_buffer()) {
    const Delta settled = Delta::decode(settled_delta()).value();
    buffers_.prepare_commit();
    require(apply(detail::DeltaAccess::content(settled).body).has_value(), "the world settles");
    std::vector<Entity> ended;
    buffer_.settle_indexes();
    buffer_.accept(ended);
    buffers_.commit_batch(settled_version, {});
    before_ = buffers_.pin();
    hash_ = snapshot().state_hash();
    bytes_at_rest_ = bytes_in_use();
  }

  std::expected<void, Error> apply(std::span<const std::byte> body) { return replay_.apply(body, buffer_); }
  /// What kind of body it is, before it meets a state.
  [[nodiscard]] Kind kind_of(std::span<const std::byte> bytes) const {
    delta::RunReader reader(bytes, *buffers_.world().bytes);
    Kind kind = Kind::of_operations;
    while (const delta::Run* run = reader.next()) {
      if (run->code == delta::RunCode::floors || run->code == delta::RunCode::revive) kind = Kind::of_histories;
    }
    return reader.wrong() == nullptr ? kind : Kind::none;
  }
  /// The transaction under way, as the log would have it. Requires: it is of operations.
  [[nodiscard]] std::vector<std::byte> net_effect() {
    std::vector<std::byte> out;
    if (net_.has_effect(buffer_)) net_.encode(buffer_, out);
    return out;
  }
  /// The same as the difference of two states.
  [[nodiscard]] std::vector<std::byte> difference() {
    std::vector<std::byte> out;
    delta::RunWriter runs(buffers_.world());
    delta::diff_roots(*before_.root, buffer_.root(), runs);
    runs.finish(out);
    return out;
  }
  /// Of what the transaction under way has made.
  [[nodiscard]] Snapshot snapshot() {
    buffer_.settle_indexes();
    return detail::SnapshotAccess::make(*this, buffer_.root(), nullptr);
  }
  /// By the transaction under way.
  [[nodiscard]] std::size_t bytes_taken() { return std::max(bytes_in_use(), bytes_at_rest_) - bytes_at_rest_; }

  void take_back() {
    buffer_.revert();
    require(snapshot().state_hash() == hash_, "what is taken back leaves no trace");
    bytes_at_rest_ = bytes_in_use();
  }

  // SnapshotHome: its snapshots have no pins.
  void clone_pin(void*, void*&) override {}
  void release_pin(void*) noexcept override {}

 private:
  std::size_t bytes_in_use() {
    buffers_.note_memory();
    return buffers_.memory().bytes_in_use;
  }

  storage::BufferManager buffers_;
  storage::WriteBuffer& buffer_;
  delta::Replay replay_{buffers_.world()};
  delta::TransactionDelta net_{buffers_.world()};
  storage::PinnedRoot before_;  // for good
  std::array<std::uint64_t, 2> hash_{};
  std::size_t bytes_at_rest_ = 0;  // with what is kept of those taken back: shapes of archetypes, nodes above slots
};

void require_told(std::span<const std::byte> body, const Snapshot& made, World& copy) {
  require(copy.apply(body).has_value(), "what took place can be told");
  const Snapshot told = copy.snapshot();
  require(told.state_hash() == made.state_hash(), "what is told is what took place");
  read_all(told);
  copy.take_back();
}

}  // namespace

Reached run(std::span<const std::byte> input) {
  static World origin;
  static World copy;
  const Kind kind = origin.kind_of(input);
  const auto applied = origin.apply(input);
  if (applied) {
    require(kind != Kind::none, "what is applied is a body");
    const Snapshot made = origin.snapshot();
    read_all(made);
    require_told(origin.difference(), made, copy);
    if (kind == Kind::of_operations) require_told(origin.net_effect(), made, copy);
  } else {
    require(applied.error().code() == ErrorCode::corrupt, "what does not fit is told to be corrupt");
    require(applied.error().place()->offset <= input.size(), "the place of an error is in the input");
  }
  require(origin.bytes_taken() <= bytes_once_max + bytes_per_byte_max * input.size(), "bytes take their share only");
  origin.take_back();
  if (applied) return Reached::taken;
  return kind == Kind::none ? Reached::refused : Reached::read;
}

}  // namespace stoa::fuzz
