// What the transactions of several threads read and wrote, and when: all that the checker is told. It knows no
// database.
#pragma once

#include <stoa/entity.h>

#include <cstdint>
#include <string>
#include <vector>

namespace stoa::test {

/// A transaction's place in its history. That of place 0 commits first, and gives every register its first value.
using TransactionId = std::uint32_t;
using Register = std::uint32_t;

/// What a register holds: the write that it comes from, so that whoever reads it can tell whose it is.
struct Value {
  TransactionId writer = 0;
  std::uint32_t op = 0;  ///< its place in the writer's operations
  friend bool operator==(Value, Value) = default;
};

/// Read where a register has no row.
inline constexpr Value no_value{~TransactionId{0}, 0};

struct Op {
  enum class Kind : std::uint8_t { read, write };
  Kind kind{};
  Register reg = 0;
  Value value;
};

struct Record {
  enum class Kind : std::uint8_t {
    snapshot,  ///< reads only, all of one snapshot
    function,  ///< on the writer; reads a register before it writes it
    checked,   ///< reads a snapshot, and writes provided that what it read has not changed
    blind,     ///< writes, and sees nothing of the world
  };
  Kind kind{};
  bool committed = false;    ///< of a snapshot always true
  std::uint32_t thread = 0;  ///< one thread's transactions may overlap: a blind one waits for its answer
  std::uint64_t begin = 0;   ///< nanoseconds of one clock: before the first thing that is done for it
  std::uint64_t end = 0;     ///< and after the answer
  Version version = 0;       ///< that it committed as or read at; 0 where it failed
  std::vector<Op> ops = {};  ///< in the order in which they were done

  /// Whether it committed, and wrote something.
  [[nodiscard]] bool is_writer() const;
  [[nodiscard]] bool writes(Register reg) const;
};

struct History {
  std::uint32_t registers = 0;
  std::vector<Record> records;

  /// What is wrong with reading that value of the register, whoever reads it: "unwritten value", "aborted read" of a
  /// transaction that failed, or "intermediate read" of what its writer overwrote itself. nullptr where nothing is.
  [[nodiscard]] const char* blemish(Register reg, Value value) const;
  /// The transactions that are writers, by version.
  [[nodiscard]] std::vector<TransactionId> writers() const;

  /// "r3 = T12", with the operation where it is not the last write.
  [[nodiscard]] std::string describe(Register reg, Value value) const;
  /// A line: who it was, when, and what it read and wrote.
  [[nodiscard]] std::string describe(TransactionId id) const;
};

}  // namespace stoa::test
