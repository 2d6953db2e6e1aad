// Proves a history strictly serialisable, or tells what refutes it: in two ways that have nothing in common but the
// history. One believes the version numbers and demands that everything agrees with them; the other asks only who read
// and overwrote what of whom, and when.
#pragma once

#include "history.h"

#include <string>
#include <vector>

namespace stoa::test {

struct Anomaly {
  std::string name;
  std::string text;  ///< what happened, and a line for each transaction that has a part in it
};
using Anomalies = std::vector<Anomaly>;

/// No check tells of more than these: one bug makes thousands.
inline constexpr std::size_t anomalies_max = 8;

/// The versions are one order of the writers, in which everybody read exactly what its version says: a snapshot the
/// last write up to it, of every register; a writer the last one before it, and its own. And versions follow the clock,
/// and the order in which a thread submitted. A transaction that failed has no version; it only must not have read what
/// was never committed. n log n.
///
/// Finds: unwritten value, aborted read, intermediate read, own write lost; torn read (of a snapshot), lost update (of
/// a register that it writes), stale read (of another); version given twice, stale version, order of submission.
[[nodiscard]] Anomalies check_versions(const History& history);

/// There is a serial order in which everybody reads what it read, each writer overwrites what it read, and what ended
/// before another began comes first: no value is overwritten twice, and the graph of all that has no cycle. Those that
/// failed take part by what they read. Version numbers are asked for one thing only, which values cannot tell: what a
/// write that read nothing has overwritten. n log n, times how many are at work at once.
///
/// Finds: lost update, cycle. Values that check_versions() calls wrong by themselves are left out.
[[nodiscard]] Anomalies check_cycles(const History& history);

/// Both as a text of several lines; empty where nothing is wrong.
[[nodiscard]] std::string verdict(const History& history);
[[nodiscard]] std::string to_text(const Anomalies& anomalies);

}  // namespace stoa::test
