// A history of a real database: threads that write and threads that read, at once, and what they saw.
#pragma once

#include "history.h"

#include <stoa/stoa.h>

#include <cstdint>

namespace stoa::test {

/// Options of a database for that seed: batches and queues of any length, and a writer of either kind.
[[nodiscard]] Options random_options(std::uint64_t seed);

/// Runs a workload of so many transactions, about two of three of them writers, on a new database of
/// Registers::schema() that was opened with `options` by this thread, which steps a manual writer. Everything that is
/// random follows from the seed, but not the history: it has the threads' timing in it. What is wrong besides the
/// history (an answer that is not the one that was asked for, a count of versions) fails the test that calls it.
[[nodiscard]] History record(Database& db, const Options& options, std::uint64_t seed, std::uint32_t transactions);

}  // namespace stoa::test
