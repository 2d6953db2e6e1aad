// What a Writer stands on: operations that apply to the write buffer at once, and walks over it that write.
#pragma once

#include "storage/entity_allocator.h"
#include "storage/write_buffer.h"
#include "txn/op_buffer.h"

#include <stoa/writer.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace stoa::txn {

/// Threads: the writer only.
class WriterContext final : public detail::WriterCore {
 public:
  /// `bytes_max` bounds what a function does.
  WriterContext(storage::WriteBuffer& buffer, storage::EntityAllocator& entities, std::size_t bytes_max);

  /// Before each function.
  void begin(std::chrono::steady_clock::time_point deadline);
  /// The first call that could not be right, or could not be done.
  [[nodiscard]] const std::optional<Error>& refused() const { return refused_; }
  /// After each function, if it did not fail: does what still waits. Errors: throws std::bad_alloc.
  void finish();
  /// Ids given out to the function.
  [[nodiscard]] const std::vector<Entity>& created() const { return created_; }

  [[nodiscard]] const detail::WorldInfo& world() const noexcept override { return buffer_.world(); }
  void create(std::span<Entity> out) override;
  void row(detail::RowOp op, TableId table, Entity entity, const std::byte* row) override;
  void insert_rows(TableId table, std::span<const Entity> entities, const std::byte* rows) override;
  void field(TableId table, Entity entity, const FieldModel& field, const std::byte* cell) override;
  void remove(TableId table, Entity entity) override;
  void destroy(Entity entity) override;
  void fail(Error error) override;

  [[nodiscard]] const detail::Root& root() override;
  [[nodiscard]] const detail::Root& indexed_root() override;
  void open_walk() override;
  void close_walk() override;
  [[nodiscard]] bool writable_in_bulk(TableId table) const noexcept override;
  [[nodiscard]] std::byte* open_column(const detail::Block& block, TableId table) override;
  void close_columns() override;
  [[nodiscard]] bool goes_on(std::size_t bytes) override;
  void update_in_walk(TableId table, Entity entity, const std::byte* row) override;

 private:
  class Attempt;

  void settle(storage::Outcome outcome, WriteOp::Kind kind, TableId table, Entity entity);
  void stop(Error error);
  void break_off() noexcept;
  [[nodiscard]] Error too_large() const;
  [[nodiscard]] const std::byte* canonical(const TableModel& model, const std::byte* row, bool copied);
  [[nodiscard]] bool wait_for_rows(std::span<const Entity> entities) const;
  void begin_operation();
  void begin_telling();
  void tell_rows();
  void tell_rows(std::size_t change);
  void apply_deferred();

  storage::WriteBuffer& buffer_;
  storage::EntityAllocator& entities_;
  const std::size_t bytes_max_;
  std::vector<bool> writable_in_bulk_;  // by table
  std::chrono::steady_clock::time_point deadline_;
  bool stopped_ = false;  // too late, too large, or out of memory: nothing is done any more
  bool broken_ = false;   // out of memory: something is half done
  bool rows_are_told_ = false;
  bool walking_ = false;
  std::vector<std::size_t> open_columns_;  // their numbers in the change log
  std::vector<std::size_t> untold_;        // closed columns whose rows may have to be told later; likewise
  OpBuffer deferred_;                      // what was asked for during a walk; or creations that wait for rows
  std::size_t waiting_ = 0;                // so many of created_
  std::vector<Entity> created_;
  std::optional<Error> refused_;
  std::vector<std::byte> row_;
  std::vector<std::byte> rows_;
};

}  // namespace stoa::txn
