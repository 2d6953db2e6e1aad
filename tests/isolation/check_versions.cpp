#include "checker.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

namespace stoa::test {
namespace {

class VersionCheck {
 public:
  explicit VersionCheck(const History& history)
      : history_(history), writers_(history.writers()), writes_(history.registers), own_(history.registers, no_value) {}

  Anomalies run() {
    order_writes();
    for (TransactionId id = 0; id < history_.records.size(); ++id) judge_reads(id);
    judge_times();
    judge_submissions();
    return std::move(found_);
  }

 private:
  struct Write {
    Version version;
    Value value;
  };

  void order_writes() {
    for (std::size_t at = 0; at < writers_.size(); ++at) {
      const TransactionId id = writers_[at];
      const Version version = record(id).version;
      if (at != 0 && record(writers_[at - 1]).version == version) {
        add("version given twice", "version " + std::to_string(version), {writers_[at - 1], id});
      }
      for (const Op& op : record(id).ops) {
        if (op.kind == Op::Kind::write) writes_[op.reg].push_back({version, op.value});
      }
    }
  }

  // The last write up to the version.
  Value holds(Register reg, Version version) const {
    const std::vector<Write>& all = writes_[reg];
    const auto after = std::ranges::upper_bound(all, version, {}, &Write::version);
    return after == all.begin() ? no_value : std::prev(after)->value;
  }

  void judge_reads(TransactionId id) {
    const Record& reader = record(id);
    const Version seen = reader.is_writer() && reader.version != 0 ? reader.version - 1 : reader.version;
    for (const Op& op : reader.ops) {
      Value& own = own_[op.reg];  // the last write of the register so far; if it is its own, that is what it reads
      if (op.kind == Op::Kind::write) {
        own = op.value;
        continue;
      }
      const bool is_own = own.writer == id;
      const Value right = is_own ? own : reader.committed ? holds(op.reg, seen) : op.value;
      const char* const blemish = is_own ? nullptr : history_.blemish(op.reg, op.value);
      if (op.value == right && blemish == nullptr) continue;
      std::string text = "T" + std::to_string(id) + " read " + history_.describe(op.reg, op.value);
      if (op.value != right) {
        text += is_own ? ", and had written " : ", where version " + std::to_string(seen) + " has ";
        text += history_.describe(op.reg, right);
      }
      const char* const otherwise = blemish != nullptr ? blemish : name_of_wrong_read(reader, op.reg);
      add(is_own ? "own write lost" : otherwise, std::move(text), {id, right.writer, op.value.writer});
    }
  }
  static const char* name_of_wrong_read(const Record& reader, Register reg) {
    if (reader.kind == Record::Kind::snapshot) return "torn read";
    return reader.writes(reg) ? "lost update" : "stale read";
  }

  // Whoever begins after another has ended has at least its version, and a writer more.
  void judge_times() {
    std::vector<TransactionId> by_begin;
    for (TransactionId id = 0; id < history_.records.size(); ++id) {
      if (record(id).committed) by_begin.push_back(id);
    }
    std::vector<TransactionId> by_end = by_begin;
    std::ranges::sort(by_begin, {}, [&](TransactionId id) { return record(id).begin; });
    std::ranges::sort(by_end, {}, [&](TransactionId id) { return record(id).end; });
    auto ended = by_end.begin();
    TransactionId newest = by_end.empty() ? 0 : by_end.front();  // of those that have ended
    for (TransactionId id : by_begin) {
      for (; ended != by_end.end() && record(*ended).end < record(id).begin; ++ended) {
        if (record(*ended).version > record(newest).version) newest = *ended;
      }
      const Version least = record(newest).version + (record(id).is_writer() ? 1 : 0);
      if (ended == by_end.begin() || record(id).version >= least) continue;
      add("stale version", "T" + std::to_string(id) + " began after T" + std::to_string(newest) + " had ended",
          {newest, id});
    }
  }

  // One thread's transactions are committed in the order in which it submitted them, also where it did not wait.
  void judge_submissions() {
    std::vector<TransactionId> order = writers_;
    std::ranges::sort(order, {}, [&](TransactionId id) { return std::pair(record(id).thread, record(id).begin); });
    for (std::size_t at = 1; at < order.size(); ++at) {
      const TransactionId before = order[at - 1];
      const TransactionId after = order[at];
      if (record(before).thread != record(after).thread || record(before).version < record(after).version) continue;
      add("order of submission", "T" + std::to_string(before) + " was submitted before T" + std::to_string(after),
          {before, after});
    }
  }

  const Record& record(TransactionId id) const { return history_.records[id]; }

  void add(const char* name, std::string text, std::initializer_list<TransactionId> parts) {
    if (found_.size() == anomalies_max) return;
    for (TransactionId id : std::set(parts)) {
      if (id < history_.records.size()) text += "\n  " + history_.describe(id);
    }
    found_.push_back({name, std::move(text)});
  }

  const History& history_;
  std::vector<TransactionId> writers_;
  std::vector<std::vector<Write>> writes_;  // by register, in the order of versions
  std::vector<Value> own_;                  // by register
  Anomalies found_;
};

}  // namespace

Anomalies check_versions(const History& history) { return VersionCheck(history).run(); }

std::string to_text(const Anomalies& anomalies) {
  std::string out;
  for (const Anomaly& anomaly : anomalies) out += anomaly.name + ": " + anomaly.text + "\n";
  return out;
}

std::string verdict(const History& history) {
  return to_text(check_versions(history)) + to_text(check_cycles(history));
}

}  // namespace stoa::test
