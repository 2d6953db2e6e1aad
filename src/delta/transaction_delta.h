// The net effect of the transaction under way, from the write buffer's change log: whether there is one, and its bytes
// for the log. Encoding 1; docs/format.md describes it.
#pragma once

#include "schema/row_bytes.h"
#include "storage/write_buffer.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
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
  // All changes of one row, or of one entity's being: the first one and the last one of a chain through `next_`.
  struct Cell {
    TableId table;  // no_table: the entity itself
    Entity entity;
    std::uint32_t first;
    std::uint32_t last;
  };
  struct CellKey {
    std::uint64_t entity;
    std::uint16_t table;
    friend bool operator==(const CellKey&, const CellKey&) = default;
  };
  struct CellKeyHash {
    std::size_t operator()(const CellKey& key) const noexcept {
      std::uint64_t x = (key.entity ^ (std::uint64_t{key.table} << 48U)) * 0x9E3779B97F4A7C15U;
      return static_cast<std::size_t>(x ^ (x >> 32U));
    }
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
  std::vector<Cell> cells_;
  std::vector<std::uint32_t> next_;  // by change: the next one of its cell
  std::unordered_map<CellKey, std::uint32_t, CellKeyHash> cell_of_;
  std::vector<std::byte> row_;
};

}  // namespace stoa::delta
