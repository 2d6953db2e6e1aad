// From runs to single changes whose values are read by name.
#include "delta/delta_access.h"
#include "delta/run_reader.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace stoa {
namespace {

using delta::Run;
using delta::RunCode;
using Function = std::function<bool(const DeltaChange&)>;
using Kind = DeltaOp::Kind;

class Changes {
 public:
  Changes(const CompiledSchema& schema, const schema::TableBytes& bytes, const Function& function)
      : schema_(schema), bytes_(bytes), function_(function) {}

  /// False: the function wants no more.
  bool tell(const Run& run) {
    if (run.code == RunCode::floors) return true;
    delta::EntityCursor entities(run);
    std::vector<std::span<const std::byte>> values = run.values;
    if (run.code == RunCode::update) find_fields(run);
    for (std::uint64_t left = run.count; left != 0; --left) {
      if (!tell(run, entities.next(), values)) return false;
    }
    return true;
  }

 private:
  bool tell(const Run& run, Entity entity, std::vector<std::span<const std::byte>>& values) {
    switch (run.code) {
      case RunCode::floors: return true;
      case RunCode::destroy: return function_({.kind = Kind::delete_entity, .entity = entity});
      case RunCode::remove: return function_({.kind = Kind::remove, .entity = entity, .table = &model(run.tables[0])});
      case RunCode::update: return tell_row(Kind::update, entity, run.tables[0], run.fields, values[0]);
      case RunCode::revive:
      case RunCode::create:
        if (!function_({.kind = Kind::create_entity, .entity = entity})) return false;
        [[fallthrough]];
      case RunCode::insert:
        for (std::size_t at = 0; at != run.tables.size(); ++at) {
          const TableId table = run.tables[at];
          fields_.clear();
          for (const FieldModel& field : model(table).fields) fields_.push_back(&field);
          if (!tell_row(Kind::insert, entity, table, bytes_[table].all(), values[at])) return false;
        }
    }
    return true;
  }

  bool tell_row(Kind kind, Entity entity, TableId table, schema::RowBytes::Fields fields,
                std::span<const std::byte>& values) {
    // Not the largest that a row may be: most transactions are small.
    const std::size_t row_bytes = bytes_[table].row_bytes();
    cells_.resize(std::max(cells_.size(), row_bytes / sizeof(std::max_align_t) + 1));
    auto* const row = reinterpret_cast<std::byte*>(cells_.data());
    std::memset(row, 0, row_bytes);
    (void)bytes_[table].decode(fields, values, row);  // it was looked through, as all bodies of deltas are
    return function_({.kind = kind,
                      .entity = entity,
                      .table = &model(table),
                      .row = RowView(schema_, model(table), row),
                      .fields = fields_});
  }

  void find_fields(const Run& run) {
    fields_.clear();
    for (const std::uint16_t number : run.fields) fields_.push_back(&model(run.tables[0]).field(FieldId{number}));
  }

  [[nodiscard]] const TableModel& model(TableId table) const { return schema_.model().table(table); }

  const CompiledSchema& schema_;
  const schema::TableBytes& bytes_;
  const Function& function_;
  std::vector<std::max_align_t> cells_;  // for cells of any alignment that a row may ask for
  std::vector<const FieldModel*> fields_;
};

}  // namespace

std::size_t Delta::count() const {
  std::size_t out = 0;
  delta::RunReader reader(content().body, *content().tables);
  while (const Run* run = reader.next()) {
    std::size_t each = 1;
    if (run->code == RunCode::floors) each = 0;
    if (run->code == RunCode::insert) each = run->tables.size();
    if (run->code == RunCode::create || run->code == RunCode::revive) each = 1 + run->tables.size();
    out += each * static_cast<std::size_t>(run->count);
  }
  return out;
}

void Delta::each(const Function& function) const {
  Changes changes(schema(), *content().tables, function);
  delta::RunReader reader(content().body, *content().tables);
  while (const Run* run = reader.next()) {
    if (!changes.tell(*run)) return;
  }
}

}  // namespace stoa
