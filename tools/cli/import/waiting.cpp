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

void WaitingRows::add(RecordNumber record, const UniqueRule& rule, std::uint32_t value,
                      std::span<const std::uint32_t> values) {
  waiting_.push_back({.record = record, .values_at = values_.size()});
  values_.insert(values_.end(), values.begin(), values.end());
  enqueue(static_cast<std::uint32_t>(waiting_.size() - 1), {&rule, value});
}

// A row of the database never falls, so nobody needs to be found who waits for it.
void WaitingRows::enqueue(std::uint32_t at, const Wanted& wanted) {
  if (wanted.holder().kind != Holder::Kind::record) return;
  waiting_[at].next = nobody;
  Queue& queue = queues_[wanted];
  if (queue.first == nobody) {
    queue.first = at;
    wanted_[key_of(wanted.holder().record)].push_back(wanted);
  } else {
    waiting_[queue.last].next = at;
  }
  queue.last = at;
}

void WaitingRows::wake(ImportRun& run, RecordNumber holder, std::vector<RecordNumber>& woken) {
  const auto found = wanted_.find(key_of(holder));
  if (found == wanted_.end()) return;
  const std::vector<Wanted> values = std::move(found->second);
  wanted_.erase(found);
  for (const Wanted& wanted : values) hand_on(run, wanted, woken);
}

void WaitingRows::hand_on(ImportRun& run, const Wanted& wanted, std::vector<RecordNumber>& woken) {
  Queue& queue = queues_[wanted];
  while (queue.first != nobody && !run.is_there(wanted.holder())) {
    const std::uint32_t at = queue.first;
    Waiting& row = waiting_[at];
    queue.first = row.next;
    if (const Wanted taken = find_taken(run, row); taken.rule != nullptr) {
      enqueue(at, taken);
    } else {
      take_values(run, row);
      woken.push_back(row.record);
    }
  }
  if (queue.first != nobody) wanted_[key_of(wanted.holder().record)].push_back(wanted);
}

WaitingRows::Wanted WaitingRows::find_taken(const ImportRun& run, const Waiting& row) const {
  const std::vector<RulePlan>& rules = run.files[row.record.file].plan.rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Wanted wanted{rules[i].rule, values_[row.values_at + i]};
    if (wanted.value != TextIndex::none && run.is_there(wanted.holder())) return wanted;
  }
  return {};
}

void WaitingRows::take_values(ImportRun& run, Waiting& row) {
  ImportFile& file = run.files[row.record.file];
  for (std::size_t i = 0; i < file.plan.rules.size(); ++i) {
    const std::uint32_t value = values_[row.values_at + i];
    if (value == TextIndex::none) continue;
    file.plan.rules[i].rule->holders[value] = {.kind = Holder::Kind::record, .record = row.record, .entity = {}};
  }
  row.is_in = true;
  file.left_out[row.record.record] = false;
  --file.rows_left_out;
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
