// One transaction on its way: what an application thread wrote down, a link of the write queue, and the place for the
// answer. It is reused; it does not know the writer.
#pragma once

#include "base/steady_time.h"
#include "queue/mpsc_queue.h"
#include "queue/response.h"
#include "txn/op_buffer.h"

#include <stoa/delta.h>
#include <stoa/ticket.h>
#include <stoa/writer.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace stoa::storage {
class EntityAllocator;
}

namespace stoa::detail {

/// Its lines go from the application's thread to the writer and back, which each costs a miss: what every transaction
/// writes comes first, close together, then what few do.
class alignas(queue::cache_line_bytes) TransactionNode : public queue::QueueNode, public OpTarget {
 public:
  enum class Kind : std::uint8_t {
    operations,  ///< apply the recorded operations
    function,    ///< call the function
    delta,       ///< apply a delta of another database
    restore,     ///< make the world what another root of it is
    promote,     ///< follow no other database any more
    flush,       ///< nothing; answered once all before it is as durable as it gets
    barrier,     ///< nothing; answered once all before it is committed
    compaction,  ///< nothing; answered after a step of compaction
    dropped,     ///< nothing but its reserved ids, which are burnt
  };

  /// Makes an old node new. Requires: nobody else has it.
  void reset(const WorldInfo& world, storage::EntityAllocator& entities, std::size_t bytes_max) noexcept;

  static constexpr SteadyTime no_deadline = SteadyTime::min();
  /// What few transactions have.
  struct Rare {
    txn::OpBuffer expectations;  ///< rows that must be as they are here: an update for a row, a remove for none
    WriteFunction function;
    std::optional<Delta> delta;
    const Root* restored = nullptr;  ///< pinned by whoever waits for the answer
    std::optional<Error> refused;    ///< the first call that cannot be right
  };

  Kind kind = Kind::operations;
  bool keep = false;      ///< the batch ends with it, and the answer has a snapshot
  bool has_then = false;  ///< `then` gets the answer
  queue::Response response;
  std::expected<Commit, Error> result;
  SteadyTime submitted{};
  SteadyTime deadline = no_deadline;  ///< once it is submitted, there is one
  std::uint64_t bytes_in_flight = 0;
  txn::OpBuffer ops;
  std::uint64_t tag = 0;

 private:
  const WorldInfo* world_ = nullptr;
  storage::EntityAllocator* entities_ = nullptr;
  std::size_t bytes_max_ = 0;
  bool has_rare_ = false;
  Rare rare_;

 public:
  std::move_only_function<void(std::expected<Commit, Error>)> then;

  [[nodiscard]] Rare& rare() noexcept {
    has_rare_ = true;
    return rare_;
  }
  [[nodiscard]] const Rare* find_rare() const noexcept { return has_rare_ ? &rare_ : nullptr; }
  [[nodiscard]] const Error* refusal() const noexcept { return has_rare_ && rare_.refused ? &*rare_.refused : nullptr; }
  /// Of what is recorded.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return ops.bytes() + (has_rare_ ? rare_.expectations.bytes() : 0);
  }

  /// Whether somebody waits for it who wants no company in the batch, and counts against no limit.
  [[nodiscard]] bool is_request() const noexcept { return kind == Kind::flush || kind == Kind::compaction; }

  // OpTarget: records.
  [[nodiscard]] const WorldInfo& world() const noexcept override { return *world_; }
  void create(std::span<Entity> out) override;
  void row(RowOp op, TableId table, Entity entity, const std::byte* row) override;
  void insert_rows(TableId table, std::span<const Entity> entities, const std::byte* rows) override;
  void field(TableId table, Entity entity, const FieldModel& field, const std::byte* cell) override;
  void remove(TableId table, Entity entity) override;
  void destroy(Entity entity) override;
  void fail(Error error) override;

  /// Refuses it if it is too large. Nothing is recorded any more.
  void end_record() { fits(0); }
  /// The row, or nullptr for none, that the entity must have when the transaction is applied.
  void expect(TableId table, Entity entity, const std::byte* row);

 private:
  /// Whether a record with so many bytes of ids and cells does; its texts count once they are there.
  bool fits(std::size_t more_bytes) { return bytes() + more_bytes <= bytes_max_ || refuse_size(); }
  /// What is refused already needs no more records; ids that were reserved keep theirs, to be burnt.
  [[nodiscard]] bool has_room(std::size_t more_bytes) { return fits(more_bytes) && refusal() == nullptr; }
  bool refuse_size();

  std::vector<std::byte> canonical_;
};

}  // namespace stoa::detail
