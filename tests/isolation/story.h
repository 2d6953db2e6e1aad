// Small histories by hand.
#pragma once

#include "history.h"

#include <utility>
#include <vector>

namespace stoa::test {

inline constexpr std::uint32_t last_write = ~std::uint32_t{0};

/// A read of what T`writer` wrote into the register as its operation `op`; may be told before that write is.
inline Op r(Register reg, TransactionId writer, std::uint32_t op = last_write) {
  return {Op::Kind::read, reg, {writer, op}};
}
/// A write of the transaction that it is given to.
inline Op w(Register reg) { return {Op::Kind::write, reg, {}}; }

/// T0 writes all registers as version 1; each of the next calls adds T1, T2, … on a thread of its own, all at once
/// unless at() or by() says otherwise. Version 0 is a failure.
class Story {
 public:
  explicit Story(std::uint32_t registers) {
    history_.registers = registers;
    std::vector<Op> all;
    for (Register reg = 0; reg < registers; ++reg) all.push_back(w(reg));
    blind(1, all).at(0, 1);
  }

  Story& snapshot(Version version, std::vector<Op> ops) { return add(Record::Kind::snapshot, version, std::move(ops)); }
  Story& function(Version version, std::vector<Op> ops) { return add(Record::Kind::function, version, std::move(ops)); }
  Story& blind(Version version, std::vector<Op> ops) { return add(Record::Kind::blind, version, std::move(ops)); }

  /// When the last one began and ended: from 2 on.
  Story& at(std::uint64_t begin, std::uint64_t end) {
    history_.records.back().begin = begin;
    history_.records.back().end = end;
    return *this;
  }
  /// By which thread.
  Story& by(std::uint32_t thread) {
    history_.records.back().thread = thread;
    return *this;
  }

  [[nodiscard]] History history() const {
    History out = history_;
    for (Record& record : out.records) {
      for (Op& op : record.ops) {
        if (op.value.op == last_write) op.value.op = last_write_of(op.value.writer, op.reg);
      }
    }
    return out;
  }

 private:
  Story& add(Record::Kind kind, Version version, std::vector<Op> ops) {
    const auto id = static_cast<TransactionId>(history_.records.size());
    for (std::uint32_t at = 0; at < ops.size(); ++at) {
      if (ops[at].kind == Op::Kind::write) ops[at].value = {id, at};
    }
    history_.records.push_back({.kind = kind,
                                .committed = version != 0,
                                .thread = 100 + id,
                                .begin = 2,
                                .end = 1000,
                                .version = version,
                                .ops = std::move(ops)});
    return *this;
  }
  // Where there is none, the value stays one that nobody wrote.
  std::uint32_t last_write_of(TransactionId id, Register reg) const {
    std::uint32_t out = last_write;
    if (id >= history_.records.size()) return out;
    const std::vector<Op>& ops = history_.records[id].ops;
    for (std::uint32_t at = 0; at < ops.size(); ++at) {
      if (ops[at].kind == Op::Kind::write && ops[at].reg == reg) out = at;
    }
    return out;
  }

  History history_;
};

}  // namespace stoa::test
