// Applies what a transaction wrote down to the write buffer, and says what it met.
#pragma once

#include "storage/write_buffer.h"
#include "txn/op_buffer.h"

#include <stoa/error.h>

#include <chrono>
#include <expected>
#include <optional>

namespace stoa::txn {

/// Turns what an operation found into an error that names it; nothing for `done`.
[[nodiscard]] std::optional<Error> describe(storage::Outcome outcome, WriteOp::Kind kind,
                                            const detail::WorldInfo& world, TableId table, Entity entity);

/// Whether those that come after one that cannot be done are done.
enum class AfterError : bool { stop, go_on };

/// Applies recorded operations one by one, those that build up one entity together. The error is that of the first that
/// cannot be done; it stops when the deadline has passed.
/// Errors: not_found, already_exists, timeout; throws std::bad_alloc.
[[nodiscard]] std::expected<void, Error> apply_operations(const OpBuffer& ops, storage::WriteBuffer& buffer,
                                                          std::chrono::steady_clock::time_point deadline,
                                                          AfterError after = AfterError::stop);

}  // namespace stoa::txn
