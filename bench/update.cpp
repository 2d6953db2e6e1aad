// Random updates of one row: a version for each, and a thousand to a transaction.
#include "suite.h"

#include <fmt/format.h>

#include <memory>
#include <vector>

namespace bench {
namespace {

// A store under update, and what it must hold.
struct Updated {
  LazyStore store;
  std::vector<Position> expected;
  std::vector<Write> writes;
  std::size_t round = 0;
};

void add(Suite& suite, const std::string& subject, const std::string& system, const std::shared_ptr<Updated>& updated,
         std::size_t writes_per_transaction, std::size_t operations) {
  suite.add(
      {.subject = subject,
       .system = system,
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
  const std::vector<Contender> contenders = committers(scale.rows);
  std::vector<std::shared_ptr<Updated>> stores;
  for (const Contender& contender : contenders) {
    stores.push_back(std::make_shared<Updated>(Updated{LazyStore(contender.make), {}, {}}));
  }
  for (std::size_t writes_per_transaction : {std::size_t{1}, std::size_t{1000}}) {
    const std::string subject = fmt::format("random update, {} to a transaction", writes_per_transaction);
    for (std::size_t i = 0; i < stores.size(); ++i) {
      const auto& [name, make, pace, scans] = contenders[i];
      if (name == "redis, 1000 in flight" && writes_per_transaction != 1) continue;  // the same as waited for
      add(suite, subject, name, stores[i], writes_per_transaction, scale.operations_at(pace, writes_per_transaction));
    }
  }
}

}  // namespace bench
