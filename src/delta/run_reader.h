// Takes a delta's body apart, run by run, and believes nothing of it.
#pragma once

#include "delta/run.h"
#include "schema/table_bytes.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace stoa::delta {

/// A run whose bytes have been looked through: entities and values can be taken off it `count` times.
/// Lifetime: the body's; `tables` and `fields`, until the reader goes on.
struct Run {
  RunCode code{};
  std::span<const TableId> tables;  ///< one for remove and update, none for destroy and floors
  schema::RowBytes::Fields fields;  ///< update: which; else none
  std::uint64_t count = 0;          ///< at least 1
  std::span<const std::byte> entities;
  std::vector<std::span<const std::byte>> values;  ///< by table; none where the run has none
  std::span<const std::byte> bytes;                ///< all of it
};

/// The entities of a run, one by one.
class EntityCursor {
 public:
  explicit EntityCursor(const Run& run) : in_(run.entities), has_lengths_(run.code == RunCode::floors) {}
  /// Requires: no more than the run has.
  [[nodiscard]] Entity next();
  /// As many as `out` has. Requires: it is no floors run.
  void next(std::span<Entity> out);
  /// Of a floors run: how many indices the last one speaks of.
  [[nodiscard]] std::uint32_t length() const { return length_; }

 private:
  std::span<const std::byte> in_;
  EntityDifference last_;
  bool has_lengths_;
  std::uint32_t length_ = 1;
};

class RunReader {
 public:
  RunReader(std::span<const std::byte> body, const schema::TableBytes& bytes) : bytes_(bytes), body_(body), in_(body) {}

  /// The next run; nullptr at the end, and where what follows is none, which wrong() then says.
  /// Lifetime: until the next call.
  [[nodiscard]] const Run* next();
  /// What is wrong with the body; nullptr where nothing is.
  [[nodiscard]] const char* wrong() const { return wrong_; }
  /// Where the run begins that next() came to last.
  [[nodiscard]] std::size_t offset() const { return offset_; }

 private:
  bool take();
  bool take_head();
  bool take_fields();
  bool take_entities();
  bool take_values();
  bool fail(const char* why) {
    wrong_ = why;
    return false;
  }

  const schema::TableBytes& bytes_;
  std::span<const std::byte> body_;
  std::span<const std::byte> in_;
  std::size_t offset_ = 0;
  const char* wrong_ = nullptr;
  // Of floors for several indices at once, which rise: so a few bytes raise an index once, and not over and over.
  std::uint64_t floors_end_ = 0;
  std::vector<TableId> tables_;
  std::vector<std::uint16_t> fields_;
  Run run_;
};

}  // namespace stoa::delta
