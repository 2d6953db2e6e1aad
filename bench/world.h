// What the benchmarks that are about stoa alone share: two tables, and a database whose writer is the caller's thread.
#pragma once

#include <stoa/stoa.h>

#include <boost/describe.hpp>

#include <algorithm>
#include <cstddef>
#include <expected>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {

struct Place {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Place, (), (x, y, z))
struct Speed {
  float x, y, z;
};
BOOST_DESCRIBE_STRUCT(Speed, (), (x, y, z))

/// Throws std::runtime_error where there is an error instead.
template <typename T>
T value_of(std::expected<T, stoa::Error> answer) {
  if (!answer) throw std::runtime_error("stoa: " + answer.error().message());
  return std::move(*answer);
}

/// In memory, with a manual writer.
[[nodiscard]] stoa::Database open_manual(const stoa::Schema& schema);
void commit(stoa::Database& database, stoa::Transaction tx);

/// Creates entities in transactions of 10,000; `fill(tx, entity, i)` gives each its rows.
template <typename Fill>
std::vector<stoa::Entity> create_entities(stoa::Database& database, std::size_t count, Fill fill) {
  constexpr std::size_t per_transaction = 10'000;
  std::vector<stoa::Entity> entities;
  entities.reserve(count);
  while (entities.size() < count) {
    stoa::Transaction tx = database.begin();
    for (std::size_t left = std::min(per_transaction, count - entities.size()); left != 0; --left) {
      const stoa::Entity entity = tx.create();
      fill(tx, entity, entities.size());
      entities.push_back(entity);
    }
    commit(database, std::move(tx));
  }
  return entities;
}

}  // namespace bench
