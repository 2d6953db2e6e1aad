// Random operations that mostly can be done: on entities that live, with references to what is there and values that
// meet. It changes no world.
#pragma once

#include "../random.h"
#include "model.h"

#include <cstdint>
#include <functional>
#include <string>

namespace stoa::test {

/// STOA_TEST_SEED, or else a seed that is always the same.
[[nodiscard]] std::uint64_t test_seed(std::uint64_t otherwise);
/// STOA_TEST_ROUNDS, or else `otherwise`.
[[nodiscard]] std::uint64_t test_rounds(std::uint64_t otherwise);

class Workload {
 public:
  /// `population`: how many entities there are to be, about.
  Workload(Random& random, const SchemaModel& schema, std::size_t population)
      : random_(random), schema_(schema), population_(population) {}

  /// Something to do in `world`. A new entity's id comes from `create`.
  [[nodiscard]] Operation next(const World& world, const std::function<Entity()>& create);
  /// One that is alive, and rarely one that is not.
  [[nodiscard]] Entity some_entity(const World& world);
  [[nodiscard]] Row random_row(const TableModel& table, const World& world);

 private:
  Entity holder_of(const World& world, TableId table);
  const TableModel& some_table(const World& world, Entity entity);
  Value random_value(const TableModel& table, const FieldModel& field, const World& world);
  std::string random_text();

  Random& random_;
  const SchemaModel& schema_;
  std::size_t population_;
  Entity last_;           // what the last operation was on: the next is often on the same
  Operation taken_away_;  // the row that was removed last: it often comes back
};

}  // namespace stoa::test
