// Rows that end, both of each, in random order: a version for each, and a thousand to a transaction. In Redis it is one
// key of each.
#include "suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace bench {
namespace {

// A store that loses rows run by run, and begins anew where too few are left.
struct Shrinking {
  LazyStore::Make make;
  bool scans;
  std::unique_ptr<Store> store;
  std::vector<std::uint32_t> order;  // of all keys
  std::size_t erased = 0;
  std::vector<Handle> handles;

  void need(std::size_t rows, std::size_t count) {
    if (store == nullptr || erased + count > rows) {
      store.reset();
      store = make();
      erased = 0;
      order.resize(rows);
      for (std::size_t key = 0; key < rows; ++key) order[key] = static_cast<std::uint32_t>(key);
      std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
    }
    handles.clear();
    for (std::uint32_t key : std::span(order).subspan(erased, count)) handles.push_back(store->handle(key));
    erased += count;
  }
  // Whether what is left is right: known from the order alone. Both rows of an entity count, so that one which was left
  // behind is seen.
  [[nodiscard]] bool is_right() const {
    std::vector<bool> left(order.size(), true);
    for (std::uint32_t key : std::span(order).first(erased)) left[key] = false;
    std::vector<Position> positions;
    std::uint64_t sum = 0;
    for (std::size_t key = 0; key < left.size(); ++key) {
      if (!left[key]) continue;
      positions.push_back(first_position(key));
      sum += digest(positions.back()) + digest(first_velocity(key));
    }
    return store->dump() == positions && (!scans || store->scan_two() == sum);
  }
};

void add(Suite& suite, const std::string& subject, const std::string& system,
         const std::shared_ptr<Shrinking>& shrinking, std::size_t rows_per_transaction, std::size_t count) {
  suite.add({.subject = subject,
             .system = system,
             .items = count,
             .prepare = [shrinking, rows = suite.scale().rows, count] { shrinking->need(rows, count); },
             .run = [=] { shrinking->store->erase(shrinking->handles, rows_per_transaction); },
             .check = [=] { return shrinking->is_right(); }});
}

}  // namespace

void add_erase(Suite& suite) {
  const Scale& scale = suite.scale();
  const std::vector<Contender> contenders = committers(scale.rows);
  std::vector<std::shared_ptr<Shrinking>> stores;
  for (const Contender& contender : contenders) {
    stores.push_back(std::make_shared<Shrinking>(Shrinking{contender.make, contender.scans, {}, {}, 0, {}}));
  }
  for (std::size_t rows_per_transaction : {std::size_t{1}, std::size_t{1000}}) {
    const std::string subject =
        fmt::format("erase of an entity with two rows, {} to a transaction", rows_per_transaction);
    for (std::size_t i = 0; i < stores.size(); ++i) {
      const Contender& at = contenders[i];
      if (at.name == "redis, 1000 in flight" && rows_per_transaction != 1) continue;  // the same as waited for
      // A sixteenth of the rows, so that one load is enough for both subjects' rounds.
      const std::size_t count = std::min(scale.operations_at(at.pace, rows_per_transaction), scale.rows / 16);
      add(suite, subject, at.name, stores[i], rows_per_transaction, count);
    }
  }
}

}  // namespace bench
