// Judges a transaction's net effect at its end: first what follows from what went (cascades and their like), then
// whether every row that changed keeps the rules. It reads the write buffer, its indexes, which are to be settled, and
// its changes, and changes nothing.
#pragma once

#include "base/steady_time.h"
#include "integrity/constraints.h"
#include "integrity/row_set.h"
#include "storage/write_buffer.h"

#include <stoa/error.h>

#include <cstddef>
#include <expected>
#include <vector>

namespace stoa::integrity {

/// What must also go, or become null, because what it refers to went, and what stands in the way. Each thing once; an
/// entity that ends is named in no row.
struct Consequences {
  struct Row {
    TableId table;
    Entity entity;
  };
  struct Null {
    TableId table;
    Entity entity;
    const FieldModel* field;
  };
  std::vector<Entity> ended;
  std::vector<Row> removed;
  std::vector<Null> nulled;
  std::vector<Violation> restricted;  ///< the first 32: the transaction is to fail, of which check() tells

  /// What is to be done.
  [[nodiscard]] std::size_t size() const { return ended.size() + removed.size() + nulled.size(); }
  [[nodiscard]] bool empty() const { return size() == 0 && restricted.empty(); }
};

/// Threads: the writer only.
class Judge {
 public:
  Judge(const Constraints& constraints, std::size_t cascade_rows_max)
      : constraints_(constraints), cascade_rows_max_(cascade_rows_max) {}

  /// The whole closure of on-delete actions, `restrict` judged after it. A reference that this transaction set to what
  /// is not there is no reason for an action: check() finds it.
  /// Errors: constraint_violation — more than cascade_rows_max things; timeout, once the deadline has passed.
  /// Lifetime: until the next call.
  [[nodiscard]] std::expected<const Consequences*, Error> consequences(
      const storage::WriteBuffer& buffer, detail::SteadyTime deadline = detail::SteadyTime::max());

  /// Whether each changed row keeps its rules, the consequences being applied, so that one answer names all that is
  /// wrong with a transaction: with what the consequences found restricted, a row that is restricted being no news.
  /// Errors: constraint_violation, with up to 64 violations; timeout, once the deadline has passed.
  [[nodiscard]] std::expected<void, Error> check(const storage::WriteBuffer& buffer,
                                                 detail::SteadyTime deadline = detail::SteadyTime::max(),
                                                 std::vector<Violation> violations = {}) const;

 private:
  struct Gone {
    TableId table;  // no_table: the entity as such
    Entity entity;
    Entity root;  // what went by the transaction's own doing, and has led here
  };
  struct Restricted {
    const ForeignKey* key;
    Entity referrer;
    Entity target;
  };

  // A change of a row that may refer, by its place in the log.
  struct Touch {
    Entity entity;
    std::size_t at;
  };

  // The closure under way.
  struct Closure {
    Consequences out;
    std::vector<Gone> gone;      // also the work list: what is added is looked at later
    std::vector<Touch> touches;  // by this transaction, in tables that refer; by entity, and then in the log's order
    RowSet ended;                // under no_table
    RowSet removed;              // rows in `gone`
    std::vector<Restricted> restricted;
    std::size_t followed = 0;              // references that act
    const ForeignKey* last_key = nullptr;  // the last of them, and the root that it goes back to
    Entity last_root;
    std::uint32_t not_referred_to = 0;  // as a slot has it: the archetype of the last that ended without more to go
    bool in_use = false;                // something may be in it

    /// As new, but for the memory.
    void clear();
  };

  void collect_gone(const storage::WriteBuffer& buffer, Closure& closure) const;
  [[nodiscard]] static Error past_limit(const storage::WriteBuffer& buffer, const Closure& closure);
  std::expected<void, Error> follow(const storage::WriteBuffer& buffer, const Gone& gone, const ForeignKey& key,
                                    detail::SteadyTime deadline, Closure& closure) const;
  void end_entity(const storage::WriteBuffer& buffer, Entity entity, Entity root, Closure& closure) const;
  /// False if the row was known to go.
  static bool add_gone_row(TableId table, Entity entity, Entity root, Closure& closure);
  /// `restricts`: the consequences found something restricted.
  void check_row(const storage::WriteBuffer& buffer, TableId table, Entity entity, const std::byte* row, bool restricts,
                 std::vector<Violation>& violations) const;
  [[nodiscard]] static bool set_here(const storage::WriteBuffer& buffer, const std::vector<Touch>& touches,
                                     const ForeignKey& key, Entity referrer, Entity target);

  const Constraints& constraints_;
  std::size_t cascade_rows_max_;
  Closure closure_;  // kept for its memory
};

}  // namespace stoa::integrity
