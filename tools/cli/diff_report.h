// What `stoa diff` says, line by line: for people, bounded, or as JSON. Not here: what differs.
#pragma once

#include <stoa/row.h>

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"

namespace stoa::cli {

enum class Side : std::uint8_t { a, b };

/// Of a row that both have.
struct FieldDifference {
  const FieldModel* field_a = nullptr;
  const FieldModel* field_b = nullptr;
  Value a;
  Value b;
};

struct DiffCounts {
  std::uint64_t only_in_a = 0;
  std::uint64_t only_in_b = 0;
  std::uint64_t differ = 0;
  [[nodiscard]] std::uint64_t total() const { return only_in_a + only_in_b + differ; }
};

/// Schemas first, then the entities, then table by table. After an error of the output it does nothing.
/// Lifetime: borrows what it is given at construction.
class DiffReport {
 public:
  DiffReport(const DiffOptions& options, const SchemaModel& a, const SchemaModel& b);

  void schema_difference(std::string_view reason);
  /// What follows is of this table, or of the entities where the name is empty; to be ended by end_section().
  void begin_section(std::string_view table);
  void entity(Side only_in, Entity entity);
  void row(Side only_in, Entity entity, const RowView& row);
  void differing_row(Entity entity, std::span<const FieldDifference> fields);
  void end_section();

  /// The totals. Errors: of the output, at any time.
  std::expected<void, Error> end();
  [[nodiscard]] bool found_any() const { return found_; }

 private:
  struct Section {
    std::string table;  // empty: the entities
    DiffCounts counts;
  };

  [[nodiscard]] const SchemaModel& schema(Side side) const { return side == Side::a ? a_ : b_; }
  DiffCounts& count(Side only_in);
  bool begin_line(char sign);  // false: enough of the section is shown
  void end_line();
  void append_totals();
  void append_summary();

  const DiffOptions& options_;
  const SchemaModel& a_;
  const SchemaModel& b_;
  const std::size_t value_bytes_max_;
  Output output_;
  std::expected<void, Error> written_;
  bool found_ = false;
  std::uint64_t schema_differences_ = 0;
  std::vector<Section> sections_;
  std::uint64_t shown_ = 0;  // lines of the section
};

}  // namespace stoa::cli
