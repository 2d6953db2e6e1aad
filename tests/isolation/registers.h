// Registers in a database: rows that hold the write that they come from. They live in three ways, as readers come to
// each by code of its own: in a dense table, whose rows move when their entity gets or loses a tag; in a sparse one;
// and in one with a key, found by its index, where a write may end the entity and begin another with the same key.
#pragma once

#include "history.h"

#include <stoa/stoa.h>

#include <expected>
#include <functional>
#include <vector>

namespace stoa::test {

class Registers {
 public:
  [[nodiscard]] static Schema schema();
  /// Gives every register its first value: {0, reg}, in one transaction. Errors: the commit's.
  static std::expected<Registers, Error> create(Database& db, std::uint32_t count);

  [[nodiscard]] std::uint32_t count() const { return count_; }
  /// Whether a transaction can write it that sees nothing: one with a key may have another entity by then.
  [[nodiscard]] static bool is_blind(Register reg);

  [[nodiscard]] Value read(const Snapshot& snapshot, Register reg) const;
  [[nodiscard]] Value read(Writer& writer, Register reg) const;
  /// All, by walking the tables. One that has no row, or more than one, has no value.
  [[nodiscard]] std::vector<Value> read_all(const Snapshot& snapshot) const;

  /// `moves`: the row goes to another place with it.
  void write(Writer& writer, Register reg, Value value, bool moves) const;
  /// Requires: is_blind().
  void write(Transaction& transaction, Register reg, Value value, bool moves) const;
  /// Makes the transaction fail unless the register is as in the snapshot.
  void expect_unchanged(Transaction& transaction, const Snapshot& seen, Register reg) const;
  /// Requires: expect_unchanged(), with the same snapshot.
  void write(Transaction& transaction, const Snapshot& seen, Register reg, Value value) const;
  /// Reads and writes all registers of the dense table in one walk, where rows are changed in place: function(reg,
  /// value that is there) returns the new value.
  void write_dense(Writer& writer, const std::function<Value(Register, Value)>& function) const;

  /// Makes a transaction fail when all else in it is done: by a key that is taken, or by a row that is not there.
  template <typename Operations>
  void spoil(Operations& operations, bool by_key) const;

 private:
  [[nodiscard]] Entity find(const Snapshot& snapshot, Register reg) const;

  std::uint32_t count_ = 0;
  std::vector<Entity> entities_;  // by register; of one with a key the first one, which may be gone
  Entity bare_;                   // has no row, and never gets one
};

}  // namespace stoa::test
