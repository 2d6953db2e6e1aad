// New rows of one table, into a store that is empty at first: a version for each, and a thousand to a transaction.
#include "suite.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

namespace bench {
namespace {

void add(Suite& suite, const std::string& subject, const Contender& contender, std::size_t rows_per_transaction,
         std::size_t operations) {
  auto store = std::make_shared<std::unique_ptr<Store>>();
  auto rows = std::make_shared<const std::vector<Position>>(first_positions(operations));
  suite.add({.subject = subject,
             .system = contender.name,
             .items = operations,
             .prepare =
                 [store, make = contender.make] {
                   store->reset();
                   *store = make();
                 },
             .run = [store, rows, rows_per_transaction] { (*store)->insert(*rows, rows_per_transaction); },
             .check = [store, rows] { return (*store)->dump() == *rows; }});
}

// To the peers, which have no entities, it is the same as before.
void add_into_begun(Suite& suite) {
  const std::size_t operations = suite.scale().operations;
  std::vector<Contender> contenders = limits_and_scanning_peers(0);
  const auto add_stoa = [&](const char* name, StoaWay way) {
    way.begun = operations;
    contenders.push_back({name, [way] { return make_stoa(0, way); }});
  };
  add_stoa("stoa, step", {.submit = StoaWay::Submit::step});
  add_stoa("stoa, step, as spans", {.submit = StoaWay::Submit::step, .spans = true});
  add_stoa("stoa, 1000 in flight", {.submit = StoaWay::Submit::in_flight});
  add_stoa("stoa, 1000 in flight, as spans", {.submit = StoaWay::Submit::in_flight, .spans = true});
  for (const Contender& contender : contenders) {
    add(suite, "insert of a row for an entity that is there, 1000 to a transaction", contender, 1000, operations);
  }
}

}  // namespace

void add_insert(Suite& suite) {
  const Scale& scale = suite.scale();
  for (std::size_t rows_per_transaction : {std::size_t{1}, std::size_t{1000}}) {
    const std::string subject = fmt::format("insert of a new entity's row, {} to a transaction", rows_per_transaction);
    for (const Contender& contender : committers(0)) {
      if (contender.name == "redis, 1000 in flight" && rows_per_transaction != 1) continue;  // the same as waited for
      // Not fewer where rows are slow: an insert costs what the size of the store makes it cost.
      const bool one_by_one = contender.pace == Pace::waits && rows_per_transaction == 1;
      add(suite, subject, contender, rows_per_transaction, one_by_one ? scale.operations_waited : scale.operations);
    }
  }
  add_into_begun(suite);
}

}  // namespace bench
