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
  // All that the transaction did to one entity: a chain of changes, linked by next_.
  struct Touched {
    Entity entity;
    std::uint32_t first;
    std::uint32_t last;
    // The last change that touched a row, or the entity's being, for the first time. It is what put the entity behind
    // others of its archetype, and so a replay does it in that order.
    std::uint32_t placed;
    bool simple;  // no row was touched twice, and rows come in the order of their tables
  };
  // All changes of one row, or of one entity's being: [begin, end) of order_, oldest first.
  struct Cell {
    TableId table;  // no_table: the entity itself
    std::uint32_t begin;
    std::uint32_t end;
  };
  // Entities that begin, by as many changes side by side, and then get rows in the same tables; or such as are there
  // and get rows.
  struct Additions {
    std::uint32_t at;  // of their first changes
    std::uint32_t count;
    std::size_t tables;  // from there on in tables_
    std::size_t table_count;
  };
  using Changes = std::span<const storage::Change>;

  [[nodiscard]] bool is_one_beginning(Changes changes) const noexcept;
  std::size_t write_one_beginning(const storage::WriteBuffer& buffer, std::vector<std::byte>& out);
  [[nodiscard]] bool find_additions(Changes changes);
  [[nodiscard]] bool write_removals(Changes changes);
  [[nodiscard]] bool write_ends(Changes changes);
  std::size_t write_additions(const storage::WriteBuffer& buffer, std::vector<std::byte>& out);
  void link(Changes changes);
  Touched& find_touched(Changes changes, std::uint32_t at);
  void find_places(Changes changes);
  [[nodiscard]] bool is_simple(Changes changes, const Touched& touched) const;
  /// Sets cells_ and order_ to those of an entity.
  void find_cells(Changes changes, const Touched& touched);

  [[nodiscard]] bool has_effect(const storage::WriteBuffer& buffer, const Touched& touched);
  /// The row as it was before the transaction, or nullptr where there was none.
  const std::byte* row_before(const storage::WriteBuffer& buffer, Entity entity, const Cell& cell);
  const std::byte* row_before(const storage::WriteBuffer& buffer, const storage::Change& update,
                              const std::byte* after);
  [[nodiscard]] static bool pages_differ(const storage::WriteBuffer& buffer);

  void write_entity(const storage::WriteBuffer& buffer, const Touched& touched);
  void write_begun(const storage::WriteBuffer& buffer, const Touched& touched, const detail::EntitySlot& slot);
  void write_simple(const storage::WriteBuffer& buffer, const Touched& touched, const detail::EntitySlot& slot);
  void write_cells(const storage::WriteBuffer& buffer, const Touched& touched);
  void write_pages(const storage::WriteBuffer& buffer);

  const detail::WorldInfo& world_;
  RunWriter runs_;
  std::vector<Touched> touched_;          // in the order of `placed` once find_places() is through
  std::vector<std::uint32_t> next_;       // by change: the next one of the same entity
  std::vector<std::uint32_t> by_entity_;  // of link() alone: places in touched_, hashed; empty where there are few
  std::uint32_t found_ = 0;               // likewise: the place in touched_ that was found last
  std::vector<std::uint32_t> order_;      // of find_cells()
  std::vector<Cell> cells_;               // likewise
  std::vector<Additions> additions_;
  std::vector<Entity> removed_;  // of write_removals() and write_ends()
  std::vector<TableId> tables_;
  std::vector<RunWriter::Row> rows_;
  std::vector<std::byte> row_;
};

}  // namespace stoa::delta
