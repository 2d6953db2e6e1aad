#include "history.h"

#include <algorithm>

namespace stoa::test {
namespace {

bool is_write_of(const Op& op, Register reg) { return op.kind == Op::Kind::write && op.reg == reg; }

const char* to_string(Record::Kind kind) {
  switch (kind) {
    case Record::Kind::snapshot: return "snapshot";
    case Record::Kind::function: return "write function";
    case Record::Kind::checked: return "checked";
    case Record::Kind::blind: return "blind";
  }
  return "";
}

}  // namespace

bool Record::is_writer() const {
  return committed && std::ranges::any_of(ops, [](const Op& op) { return op.kind == Op::Kind::write; });
}

bool Record::writes(Register reg) const {
  return std::ranges::any_of(ops, [&](const Op& op) { return is_write_of(op, reg); });
}

const char* History::blemish(Register reg, Value value) const {
  if (value.writer >= records.size()) return "unwritten value";
  const Record& writer = records[value.writer];
  if (value.op >= writer.ops.size() || !is_write_of(writer.ops[value.op], reg)) return "unwritten value";
  if (!writer.committed) return "aborted read";
  const auto after = writer.ops.begin() + value.op + 1;
  const bool is_last = std::none_of(after, writer.ops.end(), [&](const Op& op) { return is_write_of(op, reg); });
  return is_last ? nullptr : "intermediate read";
}

std::vector<TransactionId> History::writers() const {
  std::vector<TransactionId> out;
  for (TransactionId id = 0; id < records.size(); ++id) {
    if (records[id].is_writer()) out.push_back(id);
  }
  std::ranges::stable_sort(out, {}, [&](TransactionId id) { return records[id].version; });
  return out;
}

std::string History::describe(Register reg, Value value) const {
  std::string out = "r" + std::to_string(reg) + " = ";
  if (value == no_value) return out + "nothing";
  out += "T" + std::to_string(value.writer);
  if (blemish(reg, value) != nullptr) out += " operation " + std::to_string(value.op);
  return out;
}

std::string History::describe(TransactionId id) const {
  constexpr std::size_t shown_max = 16;
  const Record& record = records[id];
  const auto since_start = [&](std::uint64_t stamp) { return std::to_string(stamp - records[0].begin); };
  std::string out = "T" + std::to_string(id) + " (" + to_string(record.kind) + " of thread " +
                    std::to_string(record.thread) + ", " +
                    (record.committed ? "version " + std::to_string(record.version) : "failed") + ", from " +
                    since_start(record.begin) + " to " + since_start(record.end) + " ns)";
  for (std::size_t at = 0; at < record.ops.size(); ++at) {
    if (at == shown_max) return out + " and " + std::to_string(record.ops.size() - shown_max) + " more";
    const Op& op = record.ops[at];
    out += at == 0 ? ": " : ", ";
    out += (op.kind == Op::Kind::read ? "read " : "wrote ") + describe(op.reg, op.value);
  }
  return out;
}

}  // namespace stoa::test
