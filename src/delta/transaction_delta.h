// The net effect of the transaction under way, from the write buffer's change log: whether there is one, and the body
// of its delta.
#pragma once

#include "delta/run_writer.h"
#include "schema/table_bytes.h"
#include "storage/write_buffer.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stoa::delta {

/// Reused from transaction to transaction. Threads: the writer only.
class TransactionDelta {
 public:
  explicit TransactionDelta(const detail::WorldInfo& world);

  /// Whether anything is different from what it was before. Cheap for all but transactions that undo themselves.
  [[nodiscard]] bool has_effect(const storage::WriteBuffer& buffer);

  struct Size {
    std::size_t row_bytes = 0;   ///< about what the delta will be, bulk writes apart
    std::size_t page_bytes = 0;  ///< of the pages that were written in bulk, whatever of them is different
  };
  /// Cheap: what the delta would cost, without making it.
  [[nodiscard]] Size estimate(const storage::WriteBuffer& buffer) const;

  /// Appends the body; nothing where there is no effect. Returns how many bytes of it are of tables that are logged:
  /// they come first, and are a body of their own.
  std::size_t encode(const storage::WriteBuffer& buffer, std::vector<std::byte>& out);

 private:
  // All changes of one row, or of one entity's being: [begin, end) of order_, oldest first.
  struct Cell {
    TableId table;  // no_table: the entity itself
    Entity entity;
    std::uint32_t begin;
    std::uint32_t end;
  };
  // All cells of one entity: [begin, end) of cells_, its being first. The last change that touched one of them for the
  // first time is what put it behind others of its archetype, and so a replay does it in that order.
  struct Touched {
    std::uint32_t placed;
    std::uint32_t begin;
    std::uint32_t end;
  };

  void group(const storage::WriteBuffer& buffer);
  void group_by_entity(std::span<const storage::Change> changes);
  std::uint32_t find_touched(std::span<const storage::Change> changes, std::uint32_t at);
  /// The row as it was before the transaction, or nullptr where there was none.
  const std::byte* row_before(const storage::WriteBuffer& buffer, const Cell& cell);
  [[nodiscard]] bool has_effect(const storage::WriteBuffer& buffer, const Cell& cell);
  [[nodiscard]] static bool pages_differ(const storage::WriteBuffer& buffer);
  void write_entity(const storage::WriteBuffer& buffer, const Touched& touched);
  void write_rows(const storage::WriteBuffer& buffer, std::span<const Cell> cells);
  void write_pages(const storage::WriteBuffer& buffer);

  const detail::WorldInfo& world_;
  RunWriter runs_;
  std::vector<std::uint32_t> order_;  // changes, by the cell that they touched
  // Of group() alone: whose each change is, by its place in touched_, and the same by the entity, hashed.
  std::vector<std::uint32_t> whose_;
  std::vector<std::uint32_t> by_entity_;
  std::vector<Cell> cells_;
  std::vector<Touched> touched_;  // in the order of `placed`
  std::vector<RunWriter::Row> rows_;
  std::vector<std::byte> row_;
};

}  // namespace stoa::delta
