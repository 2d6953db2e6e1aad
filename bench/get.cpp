// Single rows by handle, in shuffled order: inside a held snapshot, and with a snapshot for each.
#include "suite.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>

namespace bench {
namespace {

// As many reads as `count`, every row as often as any other; fewer reads than rows are of rows from everywhere.
std::vector<std::uint32_t> shuffled_keys(std::size_t rows, std::size_t count) {
  std::vector<std::uint32_t> keys(std::max(rows, count));
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<std::uint32_t>(i % rows);
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(1));
  keys.resize(count);
  return keys;
}

void add(Suite& suite, const std::string& subject, const std::string& system, std::shared_ptr<LazyStore> store,
         std::size_t rows, std::size_t count, bool fresh) {
  struct Reads {
    std::vector<Handle> handles;
    std::uint64_t expected = 0;
    std::uint64_t sum = 0;
  };
  auto reads = std::make_shared<Reads>();
  suite.add({.subject = subject,
             .system = system,
             .items = count,
             .prepare =
                 [=] {
                   if (!reads->handles.empty()) return;
                   for (std::uint32_t key : shuffled_keys(rows, count)) {
                     reads->handles.push_back((*store)->handle(key));
                     reads->expected += digest(first_position(key));
                   }
                 },
             .run = [=] { reads->sum = fresh ? (*store)->get_fresh(reads->handles) : (*store)->get(reads->handles); },
             .check = [=] { return reads->sum == reads->expected; }});
}

}  // namespace

void add_get(Suite& suite) {
  for (std::size_t rows : {suite.scale().rows, suite.scale().rows_small}) {
    std::vector<Contender> contenders = limits_and_peers(rows);
    contenders.push_back({"stoa", [rows] { return make_stoa(rows); }});
    contenders.push_back({"stoa, get_many", [rows] { return make_stoa(rows, {.get = StoaWay::Get::many}); }});
    std::vector<std::shared_ptr<LazyStore>> stores;
    for (const Contender& contender : contenders) stores.push_back(std::make_shared<LazyStore>(contender.make));
    for (bool fresh : {false, true}) {
      const std::string subject =
          fmt::format("random get of {} rows, {}", rows, fresh ? "a snapshot for each" : "one snapshot");
      for (std::size_t i = 0; i < stores.size(); ++i) {
        if (fresh && contenders[i].name == "stoa, get_many") continue;  // one snapshot for many is what it is for
        const Pace pace = contenders[i].pace;
        const std::size_t some = suite.scale().operations_at(pace, fresh ? 1 : rows);
        const std::size_t count = pace == Pace::fast ? std::max(rows, some) : some;
        add(suite, subject, contenders[i].name, stores[i], rows, count, fresh);
      }
    }
  }
}

}  // namespace bench
