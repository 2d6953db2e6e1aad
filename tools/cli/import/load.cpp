#include "cli/import/load.h"

#include <utility>
#include <vector>

#include "cli/import/cells.h"
#include "cli/interrupt.h"

namespace stoa::cli {
namespace {

class Load {
 public:
  Load(ImportRun& run, std::uint32_t file, csv::Reader& reader, Writer& writer)
      : run_(run), file_(run.files[file]), plan_(file_.plan), reader_(reader), writer_(writer) {
    fields_.reserve(plan_.columns.size());
  }

  std::expected<void, Error> run() {
    for (std::uint32_t record = 0;; ++record) {
      const auto more = reader_.next();
      if (!more && reader_.failed()) return std::unexpected(more.error());
      const bool at_end = more && !*more;
      if (at_end != (record == file_.record_count())) return std::unexpected(changed());
      if (at_end) return {};
      if (!file_.left_out[record]) {
        if (!more) return std::unexpected(changed());
        if (auto inserted = insert(record); !inserted) return inserted;
      }
      run_.progress.add_row(reader_.bytes_read());
      if (interrupted()) return std::unexpected(interrupted_error());
    }
  }

 private:
  std::expected<void, Error> insert(std::uint32_t record) {
    fields_.clear();
    const std::span<const std::string_view> cells = reader_.cells();
    std::size_t reference = std::size_t{record} * plan_.reference_count;
    for (std::size_t i = 0; i < plan_.columns.size(); ++i) {
      const ColumnPlan& column = plan_.columns[i];
      if (column.use == ColumnPlan::Use::reference) {
        const std::uint32_t value = file_.references[reference++];
        if (value != TextIndex::none) {
          add(*column.field, entity_of(column.target->holders[value]));
        }
      } else if (column.use == ColumnPlan::Use::value && !cells[i].empty()) {
        auto value = parse_cell(run_.schema, *column.field, cells[i]);
        if (!value) return std::unexpected(changed());
        add(*column.field, std::move(*value));
      }
    }
    writer_.insert(plan_.table->name, entity_of_record(record), fields_);
    return {};
  }

  void add(const FieldModel& field, Value value) {
    NamedValue& added = fields_.emplace_back();
    added.name = field.name;
    added.value = std::move(value);
  }

  Entity entity_of_record(std::uint32_t record) {
    if (!plan_.has_key) return writer_.create();
    return entity_of(plan_.rules.front().rule->holders[file_.keys[record]]);
  }

  /// A record's entity begins with the first that needs it: itself, or one that refers to it.
  Entity entity_of(Holder& holder) {
    if (!holder.entity) holder.entity = writer_.create();
    return holder.entity;
  }

  [[nodiscard]] Error changed() const {
    return {ErrorCode::conflict, Place{file_.path.string(), reader_.line(), 0, 0},
            "the file changed during the import"};
  }

  ImportRun& run_;
  ImportFile& file_;
  const FilePlan& plan_;
  csv::Reader& reader_;
  Writer& writer_;
  std::vector<NamedValue> fields_;
};

}  // namespace

std::expected<void, Error> load_file(ImportRun& run, std::uint32_t file, csv::Reader& reader, Writer& writer) {
  return Load(run, file, reader, writer).run();
}

}  // namespace stoa::cli
