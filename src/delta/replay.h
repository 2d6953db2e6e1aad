// Applies the body of a delta to a write buffer, checking every byte of it first: what a log or a peer hands over.
#pragma once

#include "delta/run_reader.h"
#include "schema/table_bytes.h"
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
  using Done = std::expected<void, Error>;

  Done apply(const Run& run, storage::WriteBuffer& buffer);
  Done end(const Run& run, storage::WriteBuffer& buffer);
  Done begin(const Run& run, storage::WriteBuffer& buffer);
  [[nodiscard]] bool names_one_twice();
  Done insert(const Run& run, storage::WriteBuffer& buffer);
  Done update(const Run& run, storage::WriteBuffer& buffer);
  Done take_rows(const Run& run, std::size_t count);
  Done take_row(TableId table, schema::RowBytes::Fields fields, std::span<const std::byte>& in, std::byte* row);

  const detail::WorldInfo& world_;
  const schema::TableBytes& bytes_;
  std::vector<Entity> entities_;
  std::vector<Entity> sorted_;                      // the same
  std::vector<std::span<const std::byte>> values_;  // what is left of the run's, by table
  std::vector<std::vector<std::byte>> rows_;        // by table of the run
  std::vector<storage::RowImage> images_;
  std::vector<std::byte> row_;
};

}  // namespace stoa::delta
