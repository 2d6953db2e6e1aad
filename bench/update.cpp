// Random updates of one row: a version for each, and a thousand to a transaction.
#include "suite.h"

#include <fmt/format.h>

#include <memory>

namespace bench {
namespace {

// A store under update, and what it must hold.
struct Updated {
  LazyStore store;
  std::vector<Position> expected;
  std::vector<Write> writes;
  std::size_t round = 0;
};

void add(Suite& suite, const std::string& subject, const Contender& contender, std::size_t writes_per_transaction,
         std::size_t operations) {
  auto updated = std::make_shared<Updated>(Updated{LazyStore(contender.make), {}, {}});
  suite.add(
      {.subject = subject,
       .system = contender.name,
       .items = operations,
       .prepare =
           [updated, operations] {
             if (updated->expected.empty()) updated->expected = first_positions(updated->store->rows());
             updated->writes = random_writes(*updated->store, operations, updated->round++);
           },
       .run = [updated, writes_per_transaction] { updated->store->update(updated->writes, writes_per_transaction); },
       .check =
           [updated] {
             apply_writes(updated->writes, updated->expected);
             return updated->store->dump() == updated->expected;
           }});
}

}  // namespace

void add_update(Suite& suite) {
  const Scale& scale = suite.scale();
  for (std::size_t writes_per_transaction : {std::size_t{1}, std::size_t{1000}}) {
    const std::string subject = fmt::format("random update, {} to a transaction", writes_per_transaction);
    for (const Contender& contender : committers(scale.rows)) {
      const bool one_by_one = contender.waits && writes_per_transaction == 1;
      add(suite, subject, contender, writes_per_transaction, one_by_one ? scale.operations_waited : scale.operations);
    }
  }
}

}  // namespace bench
