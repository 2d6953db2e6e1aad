// The rules of a schema, sorted for the two questions that the end of a transaction asks: what must hold of a row that
// changed, and who refers to what went. It holds no data.
#pragma once

#include <stoa/detail/world.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stoa::integrity {

/// A reference field.
struct ForeignKey {
  TableId table;  ///< of the referring row
  const FieldModel* field;
  TableId target;  ///< no_table: any entity
  OnDelete on_delete;
  std::uint32_t index;  ///< number of its reverse index
};

/// The rules that a row of one table must satisfy.
struct RowRules {
  std::vector<const ForeignKey*> references;
  std::vector<std::uint32_t> unique_indexes;
  std::vector<const FieldModel*> required;  ///< may not be null or empty
  std::vector<const FieldModel*> ranged;

  [[nodiscard]] bool empty() const {
    return references.empty() && unique_indexes.empty() && required.empty() && ranged.empty();
  }
};

/// Threads: any; immutable.
class Constraints {
 public:
  explicit Constraints(const detail::WorldInfo& world);
  Constraints(const Constraints&) = delete;
  Constraints& operator=(const Constraints&) = delete;

  [[nodiscard]] const RowRules& of_rows(TableId table) const { return rules_[to_index(table)]; }
  /// The keys that refer to rows of `table`, or with no_table to entities as such.
  [[nodiscard]] const std::vector<const ForeignKey*>& referring_to(TableId table) const {
    return table == no_table ? referring_to_any_ : referring_[to_index(table)];
  }
  /// Sparse tables that rows refer to.
  [[nodiscard]] const std::vector<TableId>& sparse_targets() const { return sparse_targets_; }
  [[nodiscard]] std::size_t key_count() const { return keys_.size(); }
  [[nodiscard]] bool empty() const { return empty_; }

 private:
  std::vector<ForeignKey> keys_;
  std::vector<RowRules> rules_;                            // by table
  std::vector<std::vector<const ForeignKey*>> referring_;  // by target table
  std::vector<const ForeignKey*> referring_to_any_;
  std::vector<TableId> sparse_targets_;
  bool empty_ = true;
};

}  // namespace stoa::integrity
