#include "cli/import/waiting.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "cli/import/run.h"
#include "csv/shown.h"

namespace stoa::cli {
namespace {

std::string where_taken(const ImportRun& run, RecordNumber record, const Holder& holder) {
  if (holder.kind != Holder::Kind::record) return "in the database";
  const ImportFile& other = run.files[holder.record.file];
  std::string out = fmt::format("on line {}", other.lines[holder.record.record]);
  if (holder.record.file != record.file) out += fmt::format(" of {}", csv::printable(other.path.string()));
  return out;
}

}  // namespace

Error taken_error(const ImportRun& run, RecordNumber record, const RulePlan& plan, std::uint32_t value) {
  const ImportFile& file = run.files[record.file];
  const std::string where = where_taken(run, record, plan.rule->holders[value]);
  Place place{file.path.string(), file.lines[record.record], 0, 0};
  if (plan.parts.size() == 1) {
    const std::size_t column = plan.parts.front().column;
    if (column != RulePart::no_column) place.column = column + 1;
    const FieldModel& field = *plan.rule->fields.front();
    return {ErrorCode::constraint_violation, std::move(place),
            fmt::format("{}: {} is {} already, and {} is {}", field.name, csv::quoted(plan.rule->values.text(value)),
                        where, field.name, field.key ? "the key" : "unique")};
  }
  std::string names;
  for (const FieldModel* field : plan.rule->fields) {
    if (!names.empty()) names += ", ";
    names += field->name;
  }
  return {ErrorCode::constraint_violation, std::move(place),
          fmt::format("({}): the same values are {} already, and together they are unique", names, where)};
}

void WaitingRows::add(RecordNumber record, RecordNumber holder, std::span<const std::uint32_t> values) {
  waiting_.push_back({.record = record, .values_at = values_.size()});
  values_.insert(values_.end(), values.begin(), values.end());
  enqueue(static_cast<std::uint32_t>(waiting_.size() - 1), holder);
}

void WaitingRows::enqueue(std::uint32_t at, RecordNumber holder) {
  waiting_[at].next = nobody;
  Queue& queue = queues_[key_of(holder)];
  (queue.first == nobody ? queue.first : waiting_[queue.last].next) = at;
  queue.last = at;
}

void WaitingRows::wake(ImportRun& run, RecordNumber holder, std::vector<RecordNumber>& woken) {
  const auto found = queues_.find(key_of(holder));
  if (found == queues_.end()) return;
  std::uint32_t at = found->second.first;
  queues_.erase(found);
  while (at != nobody) {
    Waiting& row = waiting_[at];
    const std::uint32_t next = row.next;
    ImportFile& file = run.files[row.record.file];
    const Holder* taken = nullptr;
    for (std::size_t i = 0; i < file.plan.rules.size() && taken == nullptr; ++i) {
      const std::uint32_t value = values_[row.values_at + i];
      if (value == TextIndex::none) continue;
      const Holder& other = file.plan.rules[i].rule->holders[value];
      if (run.is_there(other)) taken = &other;
    }
    if (taken == nullptr) {
      for (std::size_t i = 0; i < file.plan.rules.size(); ++i) {
        const std::uint32_t value = values_[row.values_at + i];
        if (value == TextIndex::none) continue;
        file.plan.rules[i].rule->holders[value] = {.kind = Holder::Kind::record, .record = row.record, .entity = {}};
      }
      row.is_in = true;
      file.left_out[row.record.record] = false;
      --file.rows_left_out;
      woken.push_back(row.record);
    } else if (taken->kind == Holder::Kind::record) {
      enqueue(at, taken->record);
    }
    at = next;
  }
}

std::expected<void, Error> WaitingRows::give_up(ImportRun& run) {
  for (const Waiting& row : waiting_) {
    if (row.is_in) continue;
    const std::vector<RulePlan>& rules = run.files[row.record.file].plan.rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const std::uint32_t value = values_[row.values_at + i];
      if (value == TextIndex::none || !run.is_there(rules[i].rule->holders[value])) continue;
      if (auto noted = run.problems.leave_out(row.record, taken_error(run, row.record, rules[i], value)); !noted) {
        return noted;
      }
      break;
    }
  }
  return {};
}

}  // namespace stoa::cli
