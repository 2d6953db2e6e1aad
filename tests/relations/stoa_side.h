// The tables in stoa, by name: made from the same data as SQLite's, through the public interface only.
#pragma once

#include "relations/history.h"

#include <stoa/stoa.h>

#include <expected>
#include <string>
#include <vector>

namespace stoa::test::histories {

class StoaSide {
 public:
  explicit StoaSide(const Tables& tables);

  [[nodiscard]] Transaction begin() { return db_.begin(); }
  std::expected<Commit, Error> commit(Transaction&& transaction, const std::vector<Operation>& operations);
  [[nodiscard]] Content content();
  /// What has no row and is alive, of these.
  [[nodiscard]] std::vector<EntityBits> bare(const std::vector<EntityBits>& entities);
  /// Every unique value is found, and its row by it. Fails the test otherwise.
  void find_all(const Content& content);

 private:
  [[nodiscard]] Value value_of(std::size_t table, std::size_t column, const Cell& cell) const;

  const Tables& tables_;
  Database db_;
};

}  // namespace stoa::test::histories
