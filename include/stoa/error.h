// What can go wrong, as values. An Error is a code and the place it names; its text is made when it is asked for.
#pragma once

#include <stoa/entity.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoa {

enum class ErrorCode : std::uint8_t {
  invalid_argument,      ///< a value that the call cannot take: a wrong type, a bad enum value
  not_found,             ///< no such row, no such entity, no table or field of that name
  already_exists,        ///< insert: the entity has a row in that table
  constraint_violation,  ///< a key, unique, foreign-key, required or range rule; see violations()
  conflict,              ///< a row changed since the snapshot that the transaction relies on
  timeout,               ///< the transaction's deadline passed; nothing was applied
  busy,                  ///< a limit in flight was reached and the caller may not wait
  too_large,             ///< beyond a documented bound
  out_of_memory,         ///< an allocation failed; nothing was applied
  read_only,             ///< the database takes no writes: opened so, a replica, or after a failed log write
  closed,                ///< the database was closed
  aborted,               ///< the write function threw
  schema_invalid,        ///< the schema itself is wrong
  schema_mismatch,       ///< the schema is not the folder's, or the C++ type is not the table's
  locked,                ///< another process, or another handle of this one, has the folder
  not_a_database,        ///< the folder holds something else
  corrupt,               ///< stored bytes are damaged
  io,                    ///< the operating system refused: see the text
  disk_full,             ///< no room for the log; the database stays up
  history_gone,          ///< what is that old is no longer kept
  fork,                  ///< other content under a version that was already applied
  unknown_outcome,       ///< the log failed in flight: the transaction may or may not survive a reopen
};

/// The code's name as it is written in this header.
[[nodiscard]] std::string_view to_string(ErrorCode code);

/// One broken rule of a transaction. message() of the error has a line for each.
struct Violation {
  enum class Kind : std::uint8_t { unique, required, range, foreign_key_missing, foreign_key_restrict, cascade_limit };
  Kind kind{};
  std::string constraint;  ///< "docked.port", or "docked(port, gate)" for a compound one
  std::string table;       ///< the table whose row breaks the rule; with restrict, of the row that refers
  std::string field;       ///< empty for a compound rule
  Entity entity;           ///< the entity of that row
  Entity target;           ///< the referenced entity, or the other holder of a unique value
  std::string referenced;  ///< foreign keys: the table in which the target must have a row; empty: it must be alive
  std::string value;       ///< range, unique: the value as format_value() has it, up to 64 bytes; of several ", "
  std::string bounds;      ///< range: what is allowed, as in "between 0 and 99"
};

/// The kind's name as it is written above.
[[nodiscard]] std::string_view to_string(Violation::Kind kind);

/// Where in an input something was wrong. Lines and columns count from 1 and bytes from 0; 0 lines: not a text.
struct Place {
  std::string source;  ///< a file's path, or a name for text that is in no file
  std::uint64_t line = 0;
  std::uint64_t column = 0;
  std::uint64_t offset = 0;
};

/// A failed call's answer. Cheap to move; copies share the detail.
class Error {
 public:
  /// Says no more than its code, and takes no memory.
  explicit Error(ErrorCode code) noexcept : code_(code) {}
  Error(ErrorCode code, std::string reason);
  Error(ErrorCode code, Place place, std::string reason);
  Error(std::vector<Violation> violations);  // NOLINT(google-explicit-constructor): the list is the error

  [[nodiscard]] ErrorCode code() const { return code_; }
  /// One line, or a line for each violation: place, reason.
  [[nodiscard]] std::string message() const;
  [[nodiscard]] const std::vector<Violation>& violations() const;
  /// nullptr where no input is to blame.
  [[nodiscard]] const Place* place() const;
  /// The reason without the place.
  [[nodiscard]] std::string_view reason() const;

  static Error not_found(std::string_view what);
  static Error invalid(std::string_view what);
  static Error out_of_memory();

 private:
  struct Detail;
  ErrorCode code_;
  std::shared_ptr<const Detail> detail_;  // shared: an answer travels from the writer to ticket to caller
};

}  // namespace stoa
