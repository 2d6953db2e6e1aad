// The database as plain maps. It takes each transaction by the rules of the public page, says what the answer must be,
// and shares nothing with the library but the schema's description.
#pragma once

#include "world.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace stoa::test {

/// The entities with their rows. A value: copies are versions.
struct World {
  using Rows = std::map<TableId, Row>;
  std::map<Entity, Rows> entities;

  [[nodiscard]] const Row* find(TableId table, Entity entity) const;
  [[nodiscard]] bool has(TableId table, Entity entity) const { return find(table, entity) != nullptr; }
  /// A row of the table, or with no_table the entity itself.
  [[nodiscard]] bool is_there(TableId table, Entity entity) const;
  friend bool operator==(const World&, const World&) = default;
};

struct Operation {
  enum class Kind : std::uint8_t {
    create,
    insert,
    update,
    upsert,
    set,
    remove,
    destroy,
    unknown_table,  ///< a call by a name that no table has
    bad_enum,       ///< a row with a number that is no variant
  };
  Kind kind{};
  Entity entity;
  TableId table = no_table;
  Row row;                ///< the whole row, also for set
  std::size_t field = 0;  ///< of set: its place in the row
  bool by_name = false;   ///< through the calls that name tables and fields
};

/// What one operation does. Errors: its code; nothing has changed.
std::optional<ErrorCode> apply(World& world, const Operation& operation);

/// A broken rule: kind, constraint, and but for `unique` the entity and its target.
using Broken = std::tuple<Violation::Kind, std::string, Entity, Entity>;

/// What a transaction comes to.
struct Verdict {
  std::optional<ErrorCode> error;
  std::set<Broken> broken;
  bool effect = false;
};

/// What a folder has of the world: all rows but those of tables that are not logged.
[[nodiscard]] World logged(const SchemaModel& schema, World world);

/// Ends a transaction whose operations made `after` of `before`: follows the on-delete actions, in `after`, and judges
/// every rule.
[[nodiscard]] Verdict conclude(const SchemaModel& schema, const World& before, World& after);

}  // namespace stoa::test
