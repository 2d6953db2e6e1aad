// Applies an encoded transaction to a write buffer, checking every byte of it first: what a log or a peer hands over.
#pragma once

#include "schema/row_bytes.h"
#include "storage/write_buffer.h"

#include <stoa/error.h>

#include <cstddef>
#include <expected>
#include <span>
#include <vector>

namespace stoa::delta {

/// Reused from transaction to transaction. Threads: the writer only.
class Replay {
 public:
  explicit Replay(const detail::WorldInfo& world);

  /// Applies the whole of `body`. On an error the caller takes the transaction back.
  /// Errors: corrupt — it is not a delta of this schema, or does not fit the state; the place's offset is into `body`.
  [[nodiscard]] std::expected<void, Error> apply(std::span<const std::byte> body, storage::WriteBuffer& buffer);

 private:
  std::expected<void, Error> apply_op(std::span<const std::byte>& in, storage::WriteBuffer& buffer);
  std::expected<void, Error> apply_insert(std::span<const std::byte>& in, TableId table, Entity entity,
                                          storage::WriteBuffer& buffer);
  std::expected<void, Error> apply_update(std::span<const std::byte>& in, TableId table, Entity entity,
                                          storage::WriteBuffer& buffer);

  const detail::WorldInfo& world_;
  std::vector<schema::RowBytes> row_bytes_;  // by table
  std::vector<std::byte> row_;
};

}  // namespace stoa::delta
