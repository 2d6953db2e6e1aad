// The net effect of the transaction under way, from the write buffer's change log: whether there is one, and its bytes
// for the log. Encoding 1; docs/format.md describes it.
#pragma once

#include "schema/row_bytes.h"
#include "storage/write_buffer.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stoa::delta {

inline constexpr std::uint8_t encoding_version = 1;

enum class OpCode : std::uint8_t { delete_entity = 1, create_entity = 2, remove = 3, insert = 4, update = 5 };

/// Reused from transaction to transaction. Threads: the writer only.
class TransactionDelta {
 public:
  explicit TransactionDelta(const detail::WorldInfo& world);

  /// Whether anything is different from what it was before. Cheap for all but transactions that undo themselves.
  [[nodiscard]] bool has_effect(const storage::WriteBuffer& buffer);

  /// Appends the net effect; nothing where there is none. Tables that are not logged are left out.
  void encode(const storage::WriteBuffer& buffer, std::vector<std::byte>& out);

 private:
  // All changes of one row, or of one entity's being: [begin, end) of order_, oldest first.
  struct Cell {
    TableId table;  // no_table: the entity itself
    Entity entity;
    std::uint32_t begin;
    std::uint32_t end;
  };

  void group(const storage::WriteBuffer& buffer);
  /// The row as it was before the transaction, or nullptr where there was none.
  const std::byte* row_before(const storage::WriteBuffer& buffer, const Cell& cell);
  [[nodiscard]] static bool pages_differ(const storage::WriteBuffer& buffer);
  void encode_row(const storage::WriteBuffer& buffer, const Cell& cell, std::vector<std::byte>& out);
  void encode_update(const TableModel& table, Entity entity, const std::byte* before, const std::byte* after,
                     std::vector<std::byte>& out);

  const detail::WorldInfo& world_;
  std::vector<schema::RowBytes> row_bytes_;  // by table
  std::vector<std::uint32_t> order_;         // changes, by the cell that they touched
  std::vector<Cell> cells_;
  std::vector<std::byte> row_;
};

}  // namespace stoa::delta
