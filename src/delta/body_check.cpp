#include "delta/body_check.h"

#include "delta/run_reader.h"
#include "schema/row_codec.h"

#include <algorithm>
#include <vector>

namespace stoa::delta {
namespace {

class ValueCheck {
 public:
  ValueCheck(const schema::TableBytes& bytes, const SchemaModel& schema) : bytes_(bytes), schema_(schema) {}

  /// Not every bit pattern of a bool or an enum is a value, and a program that reads one relies on it.
  std::expected<void, Error> check(const Run& run) {
    if (run.values.empty()) return {};
    for (std::size_t at = 0; at != run.tables.size(); ++at) {
      const TableModel& table = schema_.table(run.tables[at]);
      if (table.checked.empty()) continue;
      const bool is_update = run.code == RunCode::update;
      const schema::RowBytes& row = bytes_[run.tables[at]];
      row_.resize(std::max<std::size_t>(row_.size(), row.row_bytes()));
      std::span<const std::byte> values = run.values[at];
      for (std::uint64_t left = run.count; left != 0; --left) {
        (void)row.decode(is_update ? run.fields : row.all(), values, row_.data());  // RunReader skipped it already
        const auto checked =
            is_update ? check_fields(table, run.fields) : schema::check_row(schema_, table, row_.data());
        if (!checked) return checked;
      }
    }
    return {};
  }

 private:
  std::expected<void, Error> check_fields(const TableModel& table, schema::RowBytes::Fields fields) {
    for (const std::uint16_t number : fields) {
      const FieldModel& field = table.field(FieldId{number});
      if (auto checked = schema::check_field(schema_, table, field, row_.data() + field.offset); !checked)
        return checked;
    }
    return {};
  }

  const schema::TableBytes& bytes_;
  const SchemaModel& schema_;
  std::vector<std::byte> row_;
};

}  // namespace

std::optional<BodyFault> find_fault(std::span<const std::byte> body, const schema::TableBytes& bytes,
                                    const SchemaModel* schema) {
  std::optional<ValueCheck> values;
  if (schema != nullptr) values.emplace(bytes, *schema);
  RunReader reader(body, bytes);
  while (const Run* run = reader.next()) {
    if (!values) continue;
    if (const auto checked = values->check(*run); !checked) {
      return BodyFault{reader.offset(), std::string(checked.error().reason())};
    }
  }
  if (reader.wrong() != nullptr) return BodyFault{reader.offset(), reader.wrong()};
  return std::nullopt;
}

}  // namespace stoa::delta
