// A database and its model side by side: makes transactions up, hands them to both, and compares answers, snapshots and
// what a folder gives back.
#pragma once

#include "model.h"
#include "workload.h"

#include <array>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace stoa::test {

struct SessionOptions {
  Options options;
  bool in_folder = false;
  std::size_t population = 60;      ///< entities, about
  bool settled = false;             ///< begins with all of them, and again when half of them are gone
  std::uint64_t compare_every = 4;  ///< rounds
};

class Session {
 public:
  Session(std::uint64_t seed, const SessionOptions& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Stops at the first difference.
  void run(std::uint64_t rounds);

 private:
  struct Pending {
    CommitTicket ticket;
    Verdict verdict;
    Version version;
  };
  struct Held {
    Snapshot snapshot;
    World world;
  };

  void open();
  void populate();
  void depopulate();
  void round();
  void compact();
  void submit();
  void write();
  void settle();
  void compare();
  void look_at_folder();
  void reopen();

  std::expected<void, Error> function(Writer& writer, World& scratch, std::optional<ErrorCode>& error);
  void some_walk(Writer& writer, World& scratch, std::optional<ErrorCode>& error);
  template <typename... T>
  void walk(Writer& writer, World& scratch, std::optional<ErrorCode>& error);
  void change_structure(Writer& writer, Entity entity, const World& world, std::vector<Operation>& deferred);
  void read_back(Writer& writer, const World& scratch);
  template <typename Target>
  void perform(Target& target, const Operation& operation);
  template <typename Target>
  void perform_many(Target& target, World& scratch, std::optional<ErrorCode>& error);
  std::vector<Entity> issue(std::vector<Entity> entities);
  Entity issue(Entity entity);

  void advance(const Verdict& verdict, World&& after);
  void compare_ended(const Snapshot& now);
  /// Violations, where there may be more.
  static bool is_cut_short(const std::vector<Violation>& told);
  void check(const std::expected<Commit, Error>& answer, const Verdict& verdict, Version version);

  Random random_;
  SessionOptions options_;
  std::filesystem::path folder_;
  std::shared_ptr<const CompiledSchema> schema_;
  Workload workload_;
  std::optional<Database> db_;

  World world_;
  Version version_ = 0;
  std::vector<Pending> pending_;
  std::vector<Held> held_;
  std::unordered_set<std::uint64_t> issued_;     // by this opening
  std::unordered_set<std::uint64_t> committed_;  // ever
  std::array<std::uint64_t, 2> last_hash_{};
  World last_world_;
  std::deque<Row> texts_;  // what rows that a callback wrote borrow
};

}  // namespace stoa::test
