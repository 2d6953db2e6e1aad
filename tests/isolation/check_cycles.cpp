#include "checker.h"

#include <algorithm>
#include <deque>
#include <optional>

namespace stoa::test {
namespace {

// Why one comes before another.
enum class Why : std::uint8_t { read, overwritten, overwritten_read, time };

struct Edge {
  TransactionId from = 0;
  TransactionId to = 0;
  Why why{};
  Register reg = 0;  // but for time
};
using Cycle = std::vector<Edge>;  // each begins where the one before ends, and the first where the last ends

class CycleCheck {
 public:
  explicit CycleCheck(const History& history)
      : history_(history), edges_(history.records.size()), overwriters_(history.records.size()) {}

  Anomalies run() {
    for (TransactionId id = 0; id < history_.records.size(); ++id) {
      overwriters_[id].resize(history_.records[id].ops.size(), nobody);
    }
    add_overwrites();
    add_reads();
    add_times();
    if (const Cycle cycle = short_cycle(); !cycle.empty()) found_.push_back({"cycle", explain(cycle)});
    return std::move(found_);
  }

 private:
  static constexpr TransactionId nobody = ~TransactionId{0};

  // A failed function saw the world, although nobody saw what it wrote.
  bool takes_part(TransactionId id) const {
    const Record& record = history_.records[id];
    return record.committed || std::ranges::any_of(record.ops, [](const Op& op) { return op.kind == Op::Kind::read; });
  }

  void add(TransactionId from, TransactionId to, Why why, Register reg = 0) {
    if (from != to) edges_[from].push_back({from, to, why, reg});
  }

  // What a writer overwrote is what it read of the register before; if it read nothing, what the last version had.
  void add_overwrites() {
    std::vector<Value> newest(history_.registers, no_value);
    std::vector<Value> own(history_.registers, no_value);
    struct Read {
      TransactionId by = nobody;
      Value value;
    };
    std::vector<Read> read(history_.registers);
    for (TransactionId id : history_.writers()) {
      for (const Op& op : history_.records[id].ops) {
        if (op.kind == Op::Kind::read) {
          read[op.reg] = {id, op.value};
          continue;
        }
        if (newest[op.reg].writer != id)
          add_overwrite(op.reg, read[op.reg].by == id ? read[op.reg].value : newest[op.reg], id);
        newest[op.reg] = op.value;
      }
    }
  }
  void add_overwrite(Register reg, Value value, TransactionId by) {
    if (history_.blemish(reg, value) != nullptr) return;
    TransactionId& overwriter = overwriters_[value.writer][value.op];
    if (overwriter != nobody && found_.size() < anomalies_max) {
      found_.push_back({"lost update", "two overwrote " + history_.describe(reg, value) + "\n  " +
                                           history_.describe(overwriter) + "\n  " + history_.describe(by)});
    }
    overwriter = by;
    add(value.writer, by, Why::overwritten, reg);
  }

  void add_reads() {
    for (TransactionId id = 0; id < history_.records.size(); ++id) {
      for (const Op& op : history_.records[id].ops) {
        if (op.kind == Op::Kind::write || op.value.writer == id) continue;
        if (history_.blemish(op.reg, op.value) != nullptr) continue;
        add(op.value.writer, id, Why::read, op.reg);
        const TransactionId next = overwriters_[op.value.writer][op.value.op];
        if (next != nobody) add(id, next, Why::overwritten_read, op.reg);
      }
    }
  }

  // An edge for each pair of which one ended before the other began would be a square of them. It is enough to have
  // those from the last to end: who ended before one of these began is before it already.
  void add_times() {
    for (TransactionId id = 0; id < history_.records.size(); ++id) {
      if (takes_part(id)) by_begin_.push_back(id);
    }
    std::vector<TransactionId> by_end = by_begin_;
    std::ranges::sort(by_begin_, {}, [&](TransactionId id) { return begin_of(id); });
    std::ranges::sort(by_end, {}, [&](TransactionId id) { return end_of(id); });
    auto ended = by_end.begin();
    std::vector<TransactionId> last;
    for (TransactionId id : by_begin_) {
      for (; end_of(*ended) < begin_of(id); ++ended) {  // stops at the latest at its own end
        std::erase_if(last, [&](TransactionId before) { return end_of(before) < begin_of(*ended); });
        last.push_back(*ended);
      }
      for (TransactionId before : last) add(before, id, Why::time);
    }
  }
  std::uint64_t begin_of(TransactionId id) const { return history_.records[id].begin; }
  std::uint64_t end_of(TransactionId id) const { return history_.records[id].end; }

  // Empty where there is none. A short one, as it is to be read, but not the shortest at any price.
  Cycle short_cycle() const {
    const std::vector<TransactionId> before = in_or_behind_cycles();
    Cycle best;
    unsigned tries = 32;
    for (TransactionId id = 0; id < before.size() && tries != 0; ++id) {
      if (before[id] == nobody) continue;
      --tries;
      TransactionId node = id;
      for (std::size_t steps = before.size(); steps != 0; --steps) node = before[node];  // so far back is in a cycle
      Cycle cycle = shortest_through(node);
      if (best.empty() || cycle.size() < best.size()) best = std::move(cycle);
    }
    return best;
  }

  // Takes away, over and over, those that nobody comes before. Of those that are left: one of them that comes before
  // it. Of the others nobody.
  std::vector<TransactionId> in_or_behind_cycles() const {
    std::vector<std::size_t> before_count(edges_.size());
    for (const auto& edges : edges_) {
      for (const Edge& edge : edges) ++before_count[edge.to];
    }
    std::vector<TransactionId> free;
    for (TransactionId id = 0; id < edges_.size(); ++id) {
      if (before_count[id] == 0) free.push_back(id);
    }
    while (!free.empty()) {
      const TransactionId id = free.back();
      free.pop_back();
      for (const Edge& edge : edges_[id]) {
        if (--before_count[edge.to] == 0) free.push_back(edge.to);
      }
    }
    std::vector<TransactionId> out(edges_.size(), nobody);
    for (TransactionId id = 0; id < edges_.size(); ++id) {
      if (before_count[id] == 0) continue;
      for (const Edge& edge : edges_[id]) out[edge.to] = id;
    }
    return out;
  }

  // With all the edges of time that were left out. Requires: the node is in a cycle.
  Cycle shortest_through(TransactionId node) const {
    std::vector<std::optional<Edge>> came_by(edges_.size());
    std::deque<TransactionId> open{node};
    const auto reach = [&](const Edge& edge) {
      if (came_by[edge.to]) return;
      came_by[edge.to] = edge;
      open.push_back(edge.to);
    };
    auto later = by_begin_.end();  // who began from there on was reached
    for (; !came_by[node]; open.pop_front()) {
      const TransactionId from = open.front();
      for (const Edge& edge : edges_[from]) reach(edge);
      while (later != by_begin_.begin() && begin_of(*std::prev(later)) > end_of(from)) {
        reach({from, *--later, Why::time, 0});
      }
    }
    Cycle out;
    TransactionId at = node;
    do {
      out.push_back(*came_by[at]);
      at = out.back().from;
    } while (at != node);
    std::ranges::reverse(out);
    return out;
  }

  std::string explain(const Cycle& cycle) const {
    std::string out = "each of these comes before the next, and the last before the first";
    for (const Edge& edge : cycle) {
      const std::string reg = "r" + std::to_string(edge.reg);
      out += "\n  T" + std::to_string(edge.from);
      switch (edge.why) {
        case Why::read: out += " wrote " + reg + ", which the next one read"; break;
        case Why::overwritten: out += " wrote " + reg + ", which the next one overwrote"; break;
        case Why::overwritten_read: out += " read " + reg + ", which the next one overwrote"; break;
        case Why::time: out += " had ended before the next one began"; break;
      }
      out += ": T" + std::to_string(edge.to);
    }
    for (const Edge& edge : cycle) out += "\n  " + history_.describe(edge.from);
    return out;
  }

  const History& history_;
  std::vector<std::vector<Edge>> edges_;                 // by where they begin
  std::vector<TransactionId> by_begin_;                  // those that take part
  std::vector<std::vector<TransactionId>> overwriters_;  // by transaction and operation: who overwrote that write
  Anomalies found_;
};

}  // namespace

Anomalies check_cycles(const History& history) { return CycleCheck(history).run(); }

}  // namespace stoa::test
