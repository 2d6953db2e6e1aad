#include "cli/import/survey.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/import/cells.h"
#include "cli/interrupt.h"
#include "cli/text.h"

namespace stoa::cli {
namespace {

class Survey {
 public:
  Survey(ImportRun& run, std::uint32_t file, csv::Reader& reader)
      : run_(run),
        number_(file),
        file_(run.files[file]),
        plan_(file_.plan),
        reader_(reader),
        texts_(plan_.columns.size()),
        rooms_(plan_.columns.size()),
        values_(plan_.rules.size()) {}

  std::expected<void, Error> run() {
    for (;;) {
      const auto more = reader_.next();
      if (!more && reader_.failed()) return std::unexpected(more.error());
      if (more && !*more) return {};
      if (file_.record_count() == TextIndex::none) {
        return std::unexpected(Error(ErrorCode::too_large, reader_.cell_place(0), "too many records for one file"));
      }
      if (auto noted = note(more ? judge() : std::optional(more.error())); !noted) return noted;
      run_.progress.add_row(reader_.bytes_read());
      if (interrupted()) return std::unexpected(interrupted_error());
    }
  }

 private:
  /// What is wrong with the record; its first fault.
  std::optional<Error> judge() {
    fault_.reset();
    taken_ = {};
    reference_at_ = file_.references.size();
    file_.references.resize(reference_at_ + plan_.reference_count, TextIndex::none);
    for (std::size_t i = 0; i < plan_.columns.size(); ++i) {
      texts_[i].reset();
      if (plan_.columns[i].use != ColumnPlan::Use::ignored) judge_cell(i, reader_.cells()[i]);
    }
    for (std::size_t i = 0; i < plan_.rules.size(); ++i) judge_rule(plan_.rules[i], values_[i]);
    return std::move(fault_);
  }

  void judge_cell(std::size_t at, std::string_view cell) {
    const ColumnPlan& column = plan_.columns[at];
    const bool refers = column.use == ColumnPlan::Use::reference;
    if (cell.empty()) {
      if (!column.empty_reason.empty()) {
        fail(at, Error(ErrorCode::invalid_argument, fmt::format("{}: {}", column.field->name, column.empty_reason)));
      } else {
        texts_[at] = std::string_view();
      }
      if (refers) ++reference_at_;
      return;
    }
    const FieldModel& field = refers ? *column.target->fields.front() : *column.field;
    if (!refers && !column.in_rule && !is_plain_text(field)) {
      if (auto value = parse_cell(run_.schema, field, cell); !value) fail(at, value.error());
      return;
    }
    auto text = cell_text(run_.schema, field, cell, rooms_[at]);
    if (!text) {
      fail(at, text.error());
    } else {
      texts_[at] = *text;
      if (refers) file_.references[reference_at_] = run_.rules.enter(*column.target, *text);
    }
    if (refers) ++reference_at_;
  }

  /// Leaves in `value` the number of the record's value; none where the rule has nothing to say of it.
  void judge_rule(const RulePlan& plan, std::uint32_t& value) {
    value = TextIndex::none;
    value_text_.clear();
    for (const RulePart& part : plan.parts) {
      std::string_view text = part.default_text;
      if (part.column != RulePart::no_column) {
        if (!texts_[part.column]) return;
        if (!texts_[part.column]->empty()) text = *texts_[part.column];
      }
      if (text.empty() && part.null_never_collides) return;
      append_part(value_text_, plan.parts.size(), text);
    }
    value = run_.rules.enter(*plan.rule, value_text_);
    const Holder& holder = plan.rule->holders[value];
    if (fault_ || !run_.is_there(holder)) return;
    taken_ = {&plan, value};
    // Its place is where the record will be once it is noted.
    fault_.emplace(ErrorCode::constraint_violation);
  }

  /// Keeps the first fault, with its place.
  void fail(std::size_t column, const Error& reason) {
    if (fault_) return;
    Place place = reader_.cell_place(column == RulePart::no_column ? 0 : column);
    if (column == RulePart::no_column) place.column = 0;
    fault_.emplace(reason.code(), std::move(place), std::string(reason.reason()));
  }

  std::expected<void, Error> note(std::optional<Error> fault) {
    const bool was_read = reader_.cells().size() == plan_.columns.size();
    const RecordNumber self{number_, file_.record_count()};
    file_.lines.push_back(reader_.line());
    file_.left_out.push_back(fault.has_value());
    file_.references.resize(file_.lines.size() * plan_.reference_count, TextIndex::none);
    if (plan_.has_key) file_.keys.push_back(was_read ? values_.front() : TextIndex::none);
    if (was_read) claim(self, fault.has_value());
    if (!fault) return {};
    ++file_.rows_left_out;
    if (was_read && taken_.plan != nullptr) {
      const Holder& holder = taken_.plan->rule->holders[taken_.value];
      if (holder.kind == Holder::Kind::record && run_.problems.may_leave_out()) {
        run_.waiting.add(self, *taken_.plan->rule, taken_.value, values_);
        return {};
      }
      fault = taken_error(run_, self, *taken_.plan, taken_.value);
    }
    return run_.problems.leave_out(self, std::move(*fault));
  }

  /// A record that is left out has its values only until another one wants them: so that a reference to it can be told
  /// from one that leads nowhere.
  void claim(RecordNumber self, bool left_out) {
    for (std::size_t i = 0; i < plan_.rules.size(); ++i) {
      if (values_[i] == TextIndex::none) continue;
      Holder& holder = plan_.rules[i].rule->holders[values_[i]];
      if (!left_out || holder.kind == Holder::Kind::none) {
        holder = {.kind = Holder::Kind::record, .record = self, .entity = {}};
      }
    }
  }

  ImportRun& run_;
  std::uint32_t number_;
  ImportFile& file_;
  const FilePlan& plan_;
  csv::Reader& reader_;

  // Of the record at hand.
  std::optional<Error> fault_;
  struct {
    const RulePlan* plan = nullptr;
    std::uint32_t value = 0;
  } taken_;                                             // where the fault is that another has this value
  std::vector<std::optional<std::string_view>> texts_;  // by column; nothing where the cell is bad or no rule's
  std::vector<std::string> rooms_;                      // by column: for a text that is not the cell's own
  std::vector<std::uint32_t> values_;                   // by rule
  std::string value_text_;
  std::size_t reference_at_ = 0;
};

}  // namespace

std::expected<void, Error> survey_file(ImportRun& run, std::uint32_t file, csv::Reader& reader) {
  return Survey(run, file, reader).run();
}

}  // namespace stoa::cli
