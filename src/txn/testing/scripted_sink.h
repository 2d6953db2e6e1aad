// For tests: a sink that remembers what it was given, and answers as the test says.
#pragma once

#include "txn/commit_sink.h"

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace stoa::txn::test {

class ScriptedSink final : public CommitSink {
 public:
  using Answer = std::expected<void, Error>;
  struct Record {
    Version version = 0;
    std::uint64_t tag = 0;
    std::vector<std::byte> delta;
    friend bool operator==(const Record&, const Record&) = default;
  };
  using Batch = std::vector<Record>;

  explicit ScriptedSink(bool wants_deltas) : wants_deltas_(wants_deltas) {}

  // What it answers; success where the test says nothing.
  std::function<Answer(Version)> on_add;
  std::function<Answer()> on_commit;
  std::function<Answer()> on_flush;
  std::function<Answer()> on_rest;
  std::function<Answer()> on_keep_history;
  Time next_rest = Time::max();

  // What it was given.
  std::vector<Batch> batches;  ///< committed with success
  Batch open;                  ///< added since
  std::size_t add_calls = 0;   ///< with those that failed, as the next two
  std::size_t commit_calls = 0;
  std::size_t flush_calls = 0;
  bool following = false;
  bool wants_large = false;

  /// One call of add() answers with `error`, after `accepted` others.
  void refuse_add(std::size_t accepted, Error error) {
    on_add = [refused = add_calls + accepted + 1, error = std::move(error), this](Version) -> Answer {
      return add_calls == refused ? Answer(std::unexpected(error)) : Answer();
    };
  }

  [[nodiscard]] bool wants_deltas() const noexcept override { return wants_deltas_; }
  [[nodiscard]] Answer add(const Committed& committed) override {
    ++add_calls;
    if (on_add) {
      if (Answer answer = on_add(committed.to); !answer) return answer;
    }
    batches.reserve(batches.size() + 1);  // commit() is to need no memory
    open.push_back({committed.to, committed.tag, {committed.delta.begin(), committed.delta.end()}});
    return {};
  }
  void begin_history(const detail::HistoryId&, bool is_followed) noexcept override { following = is_followed; }
  [[nodiscard]] Answer keep_history() override { return on_keep_history ? on_keep_history() : Answer(); }
  [[nodiscard]] Answer commit() override {
    ++commit_calls;
    if (Answer answer = on_commit ? on_commit() : Answer(); !answer) return answer;
    batches.push_back(std::exchange(open, {}));
    return {};
  }
  [[nodiscard]] Answer flush() override {
    ++flush_calls;
    return on_flush ? on_flush() : Answer();
  }
  [[nodiscard]] Time rest_at() const noexcept override { return next_rest; }
  [[nodiscard]] Answer rest() override {
    next_rest = Time::max();
    return on_rest ? on_rest() : Answer();
  }
  [[nodiscard]] Version durable_version() const noexcept override { return 0; }
  [[nodiscard]] bool wants_large_batches() const noexcept override { return wants_large; }
  [[nodiscard]] bool makes_durable() const noexcept override { return false; }

 private:
  const bool wants_deltas_;
};

}  // namespace stoa::txn::test
